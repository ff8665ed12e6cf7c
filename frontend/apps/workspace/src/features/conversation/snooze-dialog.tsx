import { Button, Input, Modal } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { fullTime } from "@/lib/time";
import type { Act } from "./header";
import { snoozeChoices } from "./snooze";

export function SnoozeDialog({ act, close }: { act: Act; close: () => void }) {
  const { t, i18n } = useTranslation();
  const [own, setOwn] = useState("");
  const until = own ? new Date(own) : null;
  const valid = until !== null && until.getTime() > Date.now();
  const go = (date: Date) => act({ verb: "snooze", until: date.toISOString() }, close);
  return (
    <Modal open title={t("snooze.title")} onCancel={close} width={380} footer={null}>
      <p className="muted">{t("snooze.hint")}</p>
      <div style={{ display: "grid", gap: 6, margin: "12px 0" }}>
        {snoozeChoices(new Date()).map(({ id, until: date }, i) => (
          <Button
            key={id}
            onClick={() => go(date)}
            autoFocus={i === 0}
            style={{ justifyContent: "space-between" }}
          >
            {t(`snooze.${id}`)}
            <span className="faint">{fullTime(date.getTime(), i18n.language)}</span>
          </Button>
        ))}
      </div>
      <div style={{ display: "flex", gap: 8 }}>
        <Input
          type="datetime-local"
          value={own}
          onChange={(event) => setOwn(event.target.value)}
          aria-label={t("snooze.pick")}
        />
        <Button type="primary" disabled={!valid} onClick={() => until && go(until)}>
          {t("action.snooze")}
        </Button>
      </div>
    </Modal>
  );
}
