import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import css from "./channels.module.css";

/** Platforms that people look for here, and whose makers give nobody an interface for customer messages. */
const CLOSED = ["kuaishou", "xiaohongshu", "qianniu", "dongdong"] as const;

export function ClosedPlatforms() {
  const { t } = useTranslation();
  return (
    <section className={css.closed} aria-labelledby="closed-platforms">
      <h2 id="closed-platforms">{t("closed.title")}</h2>
      <p className="muted">
        {t("closed.why")}{" "}
        <Link to="/admin/channels/new/$kind" params={{ kind: "custom" }}>
          {t("closed.custom")}
        </Link>
      </p>
      <dl>
        {CLOSED.map((name) => (
          <div key={name}>
            <dt>{t(`closed.${name}.name`)}</dt>
            <dd className="muted">{t(`closed.${name}.state`)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
