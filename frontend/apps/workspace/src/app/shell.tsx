import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { handleKey, keyLabel, useCommands } from "@/lib/commands";
import { chooseLanguage, setLanguage } from "@/lib/i18n";
import { mayAdminister } from "@/lib/may";
import { closeOutset, openOutset, useOutset } from "@/lib/outset";
import { setPreference, usePreferences } from "@/lib/preferences";
import { readStored } from "@/lib/stored";
import { checkSession, queries, signOut, SignedInAs, useMe, useSession } from "@/sync/session";
import { reconnectNow, startLive } from "@/sync/live/live";
import { useLink } from "@/sync/live/store";
import { watchChanges } from "@/sync/desk";
import { flushOutbox, outboxFor } from "@/sync/outbox";
import { AccountMenu } from "./account-menu";
import { AlarmBell } from "./alarm-bell";
import { Notifier } from "./notifier";
import { PresenceSwitch } from "./presence-switch";
import css from "./shell.module.css";

const Palette = lazy(() => import("@/features/commands/palette").then((m) => ({ default: m.Palette })));
const OutsetDialog = lazy(() =>
  import("@/features/outset/dialog").then((m) => ({ default: m.OutsetDialog })),
);
const Help = lazy(() => import("@/features/commands/help").then((m) => ({ default: m.Help })));

/** Everything behind the sign-in: the top bar, the stream, what runs beside every screen. */
export function Shell() {
  const me = useSession();
  const navigate = useNavigate();
  useEffect(() => {
    if (!me) void navigate({ to: "/sign-in", search: { next: location.pathname + location.search } });
  }, [me, navigate]);
  if (!me) return null;
  return (
    <SignedInAs value={me}>
      <SignedIn key={`${me.workspace.id} ${me.agent.id}`} />
    </SignedInAs>
  );
}

function SignedIn() {
  useRunning();
  const navigate = useNavigate();
  const [overlay, setOverlay] = useState<"palette" | "help" | null>(null);
  const outset = useOutset((s) => s.request);
  useGlobalCommands(setOverlay);
  return (
    <div className={css.frame}>
      <TopBar openPalette={() => setOverlay("palette")} openHelp={() => setOverlay("help")} />
      <LinkBanner />
      <main className={css.main}>
        <Outlet />
      </main>
      <Notifier />
      <Suspense>
        {overlay === "palette" && <Palette close={() => setOverlay(null)} />}
        {overlay === "help" && <Help close={() => setOverlay(null)} />}
        {outset && (
          <OutsetDialog
            request={outset}
            close={closeOutset}
            open={(id) => void navigate({ to: "/desk/$view/$id", params: { view: "all", id } })}
          />
        )}
      </Suspense>
    </div>
  );
}

/** Starts what lives as long as the signed-in page. */
function useRunning(): void {
  const me = useMe();
  const id = me.agent.id;
  const theme = me.agent.theme;
  const locale = me.agent.locale;
  useEffect(() => {
    const stopLive = startLive({
      refused: () => void checkSession(),
      ready: () => {
        flushOutbox();
        void queries.invalidateQueries({ queryKey: ["conversation"] });
      },
    });
    const stopWatching = watchChanges();
    outboxFor(id);
    document.addEventListener("keydown", handleKey);
    return () => {
      stopLive();
      stopWatching();
      document.removeEventListener("keydown", handleKey);
    };
  }, [id]);
  useEffect(() => {
    if (theme) setPreference({ theme });
  }, [theme]);
  useEffect(() => {
    // A choice made in this browser (on the sign-in page) is newer than the account's.
    if (locale && readStored("language", null) === null) setLanguage(chooseLanguage(locale));
  }, [locale]);
}

function useGlobalCommands(open: (overlay: "palette" | "help") => void): void {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const me = useMe();
  const theme = usePreferences((s) => s.theme);
  const go = t("commands.go");
  const view = (id: string, name: string, key: string) => ({
    id: `view.${name}`,
    section: go,
    title: t(`views.${id}`),
    key,
    run: () => void navigate({ to: "/desk/$view", params: { view: name } }),
  });
  useCommands([
    view("mine", "mine", "1"),
    view("unassigned", "unassigned", "2"),
    view("all", "all", "3"),
    view("waiting", "waiting", "4"),
    view("snoozed", "snoozed", "5"),
    view("resolved", "resolved", "6"),
    {
      id: "search",
      section: go,
      title: t("nav.search"),
      key: "/",
      run: () => void navigate({ to: "/search" }),
    },
    {
      id: "contacts",
      section: go,
      title: t("contacts.title"),
      key: "c",
      run: () => void navigate({ to: "/contacts" }),
    },
    {
      id: "outset",
      section: t("commands.page"),
      title: t("outset.title"),
      key: "m",
      run: () => openOutset(),
    },
    { id: "profile", section: go, title: t("nav.profile"), run: () => void navigate({ to: "/profile" }) },
    {
      id: "admin",
      section: go,
      title: t("nav.admin"),
      disabled: !mayAdminister(me),
      run: () => void navigate({ to: "/admin" }),
    },
    {
      id: "palette",
      section: t("commands.page"),
      title: t("commands.palette"),
      key: "mod+k",
      hidden: true,
      run: () => open("palette"),
    },
    { id: "help", section: t("commands.page"), title: t("commands.help"), key: "?", run: () => open("help") },
    {
      id: "theme",
      section: t("commands.page"),
      title: t("commands.theme"),
      run: () => setPreference({ theme: theme === "dark" ? "light" : "dark" }),
    },
    { id: "sign-out", section: t("commands.page"), title: t("nav.signOut"), run: () => void signOut() },
  ]);
}

function TopBar({ openPalette, openHelp }: { openPalette: () => void; openHelp: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const path = useRouterState({ select: (s) => s.location.pathname });
  const tab = (active: boolean) => (active ? `${css.tab} ${css.active}` : css.tab);
  return (
    <header className={css.bar}>
      <Link to="/desk/$view" params={{ view: "mine" }} className={css.brand} aria-label="Switchboard">
        <img src="/mark.svg" width={24} height={24} alt="" />
        <span className="truncate">{me.workspace.name}</span>
      </Link>
      <nav className={css.tabs}>
        <Link to="/desk/$view" params={{ view: "mine" }} className={tab(path.startsWith("/desk"))}>
          {t("nav.desk")}
        </Link>
        <Link to="/contacts" className={tab(path.startsWith("/contacts"))}>
          {t("contacts.title")}
        </Link>
        <Link to="/search" className={tab(path.startsWith("/search"))}>
          {t("nav.search")}
        </Link>
        {mayAdminister(me) && (
          <Link to="/admin" className={tab(path.startsWith("/admin"))}>
            {t("nav.admin")}
          </Link>
        )}
      </nav>
      <button type="button" className={css.jump} onClick={openPalette}>
        <span className="truncate">{t("nav.jump")}</span>
        <kbd>{keyLabel("mod+k")}</kbd>
      </button>
      <div className={css.right}>
        {mayAdminister(me) && <AlarmBell />}
        <button
          type="button"
          className={css.round}
          onClick={openHelp}
          title={`${t("commands.help")} (?)`}
          aria-label={t("commands.help")}
        >
          ?
        </button>
        <PresenceSwitch />
        <AccountMenu />
      </div>
    </header>
  );
}

function LinkBanner() {
  const { t } = useTranslation();
  const away = useLink((s) => s.broken);
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    // A blip of a second is not worth a word.
    const timer = setTimeout(() => setSlow(away), away ? 1200 : 0);
    return () => clearTimeout(timer);
  }, [away]);
  if (!slow || !away) return null;
  return (
    <div className={css.banner} role="status">
      <span>{t("link.away")}</span>
      <button type="button" className="plain" onClick={reconnectNow}>
        {t("link.now")}
      </button>
    </div>
  );
}
