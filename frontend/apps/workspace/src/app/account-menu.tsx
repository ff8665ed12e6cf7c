import type { Theme } from "@switchboard/protocol";
import { Avatar } from "@switchboard/ui";
import { useNavigate } from "@tanstack/react-router";
import { Dropdown } from "antd";
import { Building2, Languages, LogOut, SunMoon, UserRound } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { setLanguage, type Language } from "@/lib/i18n";
import { setPreference, usePreferences } from "@/lib/preferences";
import { signOut, useChangeMe, useMe } from "@/sync/session";
import css from "./shell.module.css";

const SwitchDialog = lazy(() =>
  import("@/features/session/switch").then((m) => ({ default: m.SwitchDialog })),
);

export function AccountMenu() {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const me = useMe();
  const change = useChangeMe();
  const theme = usePreferences((s) => s.theme);
  const [target, setTarget] = useState<string | null>(null);
  const others = me.workspaces.filter((one) => one.id !== me.workspace.id);
  const to = others.find((one) => one.id === target);
  const chosen = (key: string) => {
    if (key === "profile") void navigate({ to: "/profile" });
    else if (key.startsWith("to.")) setTarget(key.slice(3));
    else if (key === "out") void signOut();
    else if (key.startsWith("lang.")) {
      const language = key.slice(5) as Language;
      setLanguage(language);
      change.mutate({ locale: language });
    } else if (key.startsWith("theme.")) {
      const next = key.slice(6) as Theme;
      setPreference({ theme: next });
      change.mutate({ theme: next });
    }
  };
  return (
    <>
      <Dropdown
        trigger={["click"]}
        placement="bottomRight"
        menu={{
          selectedKeys: [`lang.${i18n.language}`, `theme.${theme}`],
          // By hover a submenu shuts when the pointer cuts its corner, and touch has no hover at all.
          triggerSubMenuAction: "click",
          onClick: ({ key }) => chosen(key),
          items: [
            {
              key: "who",
              type: "group",
              label: (
                <div style={{ lineHeight: 1.5 }}>
                  <div style={{ color: "var(--c-text)", fontWeight: 600 }}>{me.agent.name}</div>
                  <div>{me.agent.email}</div>
                  <div>{t(`roles.${me.agent.role}`)}</div>
                </div>
              ),
            },
            { type: "divider" },
            ...(others.length > 0
              ? [
                  {
                    key: "workspaces",
                    icon: <Building2 size={14} />,
                    label: t("session.switch"),
                    children: others.map((one) => ({ key: `to.${one.id}`, label: one.name })),
                  },
                ]
              : []),
            { key: "profile", icon: <UserRound size={14} />, label: t("nav.profile") },
            {
              key: "language",
              icon: <Languages size={14} />,
              label: t("profile.language"),
              children: [
                { key: "lang.zh-CN", label: "简体中文" },
                { key: "lang.en", label: "English" },
              ],
            },
            {
              key: "theme",
              icon: <SunMoon size={14} />,
              label: t("profile.theme"),
              children: (["light", "dark", "system"] as const).map((key) => ({
                key: `theme.${key}`,
                label: t(`profile.themes.${key}`),
              })),
            },
            { type: "divider" },
            { key: "out", icon: <LogOut size={14} />, label: t("nav.signOut") },
          ],
        }}
      >
        <button type="button" className={css.avatar} aria-label={t("nav.account")}>
          <Avatar name={me.agent.name} seed={me.agent.id} size={28} />
        </button>
      </Dropdown>
      {to && (
        <Suspense>
          <SwitchDialog to={to} email={me.agent.email} close={() => setTarget(null)} />
        </Suspense>
      )}
    </>
  );
}
