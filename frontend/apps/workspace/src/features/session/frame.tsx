import type { ReactNode } from "react";
import { Button } from "antd";
import { useTranslation } from "react-i18next";
import { setLanguage } from "@/lib/i18n";
import css from "./session.module.css";

/** The quiet sheet before the desk. */
export function SessionFrame({ children }: { children: ReactNode }) {
  const { t, i18n } = useTranslation();
  const other = i18n.language === "zh-CN" ? "en" : "zh-CN";
  return (
    <div className={css.page}>
      <div className={css.side}>
        <div className={css.brand}>
          <img src="/mark.svg" alt="" width={36} height={36} />
          Switchboard
        </div>
        <p className={css.claim}>{t("session.claim")}</p>
        <p>{t("session.claimSub")}</p>
      </div>
      <div className={css.main}>
        <div className={css.card}>{children}</div>
        <Button type="text" size="small" className={css.language} onClick={() => setLanguage(other)}>
          {other === "en" ? "English" : "简体中文"}
        </Button>
      </div>
    </div>
  );
}
