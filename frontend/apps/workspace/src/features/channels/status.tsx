import type { Health } from "@switchboard/protocol";
import { App, Button } from "antd";
import { Copy } from "lucide-react";
import { useTranslation } from "react-i18next";
import css from "./channels.module.css";

export function StatusDot({ status }: { status: Health }) {
  const { t } = useTranslation();
  return <i className={css.dot} data-status={status} role="img" aria-label={t(`health.${status}`)} />;
}

/** A line to take elsewhere: webhook address, script, link, key. */
export function CopyLine({ text, label }: { text: string; label?: string }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => void message.success(t("copy.copied")),
      () => void message.warning(t("copy.byHand")),
    );
  return (
    <div className={css.copy}>
      <code title={label}>{text}</code>
      <Button size="small" icon={<Copy size={13} />} onClick={() => void copy()}>
        {t("copy.copy")}
      </Button>
    </div>
  );
}
