import { Blank } from "@switchboard/ui";
import { Link, Navigate, Outlet, useRouterState } from "@tanstack/react-router";
import { KeyRound, Lock, MailX, Radio, ScrollText, UserRound, UsersRound } from "lucide-react";
import { useTranslation } from "react-i18next";
import { mayOpen, SCREENS, type Screen } from "@/lib/may";
import { useMe } from "@/sync/session";
import css from "./shell.module.css";

const ICONS: Record<Screen, typeof Radio> = {
  channels: Radio,
  "dead-letters": MailX,
  people: UserRound,
  teams: UsersRound,
  keys: KeyRound,
  audit: ScrollText,
};

export function AdminFrame() {
  const { t } = useTranslation();
  const me = useMe();
  const path = useRouterState({ select: (s) => s.location.pathname });
  const open = SCREENS.filter((screen) => mayOpen(me, screen));
  const here = path.split("/")[2] as Screen | undefined;
  if (!here && open[0]) return <Navigate to={`/admin/${open[0]}`} replace />;
  if (!here || !open.includes(here))
    return <Blank icon={<Lock size={28} />} title={t("admin.forbidden")} hint={t("admin.forbiddenHint")} />;
  return (
    <div className={css.adminFrame}>
      <nav className={css.adminNav}>
        {open.map((screen) => {
          const Icon = ICONS[screen];
          return (
            <Link key={screen} to={`/admin/${screen}`}>
              <Icon size={15} />
              {t(`admin.${screen}`)}
            </Link>
          );
        })}
      </nav>
      <div className={css.adminPage}>
        <Outlet />
      </div>
    </div>
  );
}
