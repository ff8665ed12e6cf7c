import { Kbd } from "@switchboard/ui";
import { Modal } from "antd";
import { useTranslation } from "react-i18next";
import { allCommands, keyLabel, useCommandList } from "@/lib/commands";
import css from "./commands.module.css";

/** Every key that works on the screen behind. */
export function Help({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const owners = useCommandList((s) => s.owners);
  const keyed = allCommands(owners).filter((c) => c.key);
  const sections = [...new Set(keyed.map((c) => c.section))];
  return (
    <Modal open footer={null} onCancel={close} title={t("commands.help")} width={680}>
      <div className={css.help}>
        {sections.map((section) => (
          <section key={section}>
            <h3>{section}</h3>
            {keyed
              .filter((c) => c.section === section)
              .map((c) => (
                <div key={c.id} data-off={c.disabled || undefined}>
                  <span>{c.title}</span>
                  <Kbd>{keyLabel(c.key ?? "")}</Kbd>
                </div>
              ))}
          </section>
        ))}
        <section>
          <h3>{t("commands.writing")}</h3>
          <div>
            <span>{t("composer.send")}</span>
            <Kbd>{keyLabel("enter")}</Kbd>
          </div>
          <div>
            <span>{t("commands.newline")}</span>
            <Kbd>{keyLabel("shift+enter")}</Kbd>
          </div>
          <div>
            <span>{t("commands.leaveText")}</span>
            <Kbd>{keyLabel("escape")}</Kbd>
          </div>
        </section>
      </div>
    </Modal>
  );
}
