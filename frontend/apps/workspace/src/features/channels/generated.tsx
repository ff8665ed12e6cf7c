import type { Kind } from "@switchboard/protocol";
import { Alert, Modal } from "antd";
import { useTranslation } from "react-i18next";
import { bilingual } from "@/lib/i18n";
import css from "./channels.module.css";
import { fieldsOf } from "./schema";
import { CopyLine } from "./status";

/** Secrets that the server made, told this once. */
export function Generated({
  kind,
  secrets,
  close,
}: {
  kind: Kind;
  secrets: Record<string, string>;
  close: () => void;
}) {
  const { t, i18n } = useTranslation();
  const fields = fieldsOf(kind.config_schema);
  return (
    <Modal
      open
      title={t("channels.generated")}
      onOk={close}
      onCancel={close}
      okText={t("keys.noted")}
      cancelButtonProps={{ hidden: true }}
      mask={{ closable: false }}
      width={540}
    >
      <Alert type="warning" showIcon title={t("channels.generatedOnce")} style={{ marginBottom: 14 }} />
      {Object.entries(secrets).map(([name, secret]) => (
        <div key={name} className={css.reach}>
          <label>
            {bilingual(fields.find((f) => f.path.join(".") === name)?.title, i18n.language) || name}
          </label>
          <CopyLine text={secret} />
        </div>
      ))}
    </Modal>
  );
}
