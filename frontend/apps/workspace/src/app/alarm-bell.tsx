import { ChannelMark } from "@switchboard/ui";
import { useNavigate } from "@tanstack/react-router";
import { Button, Popover } from "antd";
import { Bell } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { listTime, useNow } from "@/lib/time";
import { useAlarms, useSeeAlarms } from "@/sync/channels";
import css from "./shell.module.css";

/** What an administrator should look at: red connections, quality marks, channels silent for unusually long. */
export function AlarmBell() {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const now = useNow();
  const alarms = useAlarms().data ?? [];
  const see = useSeeAlarms();
  const [open, setOpen] = useState(false);
  const list = (
    <div className={css.alarms}>
      {alarms.length === 0 && <p className="muted">{t("alarms.none")}</p>}
      <ul>
        {alarms.map((alarm) => (
          <li key={alarm.id}>
            <button
              type="button"
              onClick={() => {
                setOpen(false);
                void navigate({ to: "/admin/channels/$id", params: { id: alarm.connection_id } });
              }}
            >
              <ChannelMark kind={alarm.kind} size={22} />
              <span>
                <b>{t(`alarms.${alarm.code}`, { name: alarm.channel || alarm.connection })}</b>
                <small className="muted">
                  {alarm.code === "silent" ? t("alarms.silence", alarm.data) : alarm.detail}
                </small>
              </span>
              <time className="faint">{listTime(alarm.at, now, i18n.language)}</time>
            </button>
          </li>
        ))}
      </ul>
      {alarms.length > 0 && (
        <Button size="small" type="text" onClick={() => see.mutate(alarms.map((alarm) => alarm.id))}>
          {t("alarms.putAway")}
        </Button>
      )}
    </div>
  );
  return (
    <Popover
      content={list}
      title={t("alarms.title")}
      trigger="click"
      placement="bottomRight"
      open={open}
      onOpenChange={setOpen}
    >
      <button
        type="button"
        className={css.round}
        data-alarm={alarms.length > 0}
        title={t("alarms.title")}
        aria-label={t("alarms.label", { count: alarms.length })}
      >
        <Bell size={14} />
        {alarms.length > 0 && <span className={css.badge}>{alarms.length}</span>}
      </button>
    </Popover>
  );
}
