import type { PresenceStatus } from "@switchboard/protocol";
import { App, Dropdown } from "antd";
import { useTranslation } from "react-i18next";
import { useLive } from "@/sync/live/store";
import { useMe, useSetPresence } from "@/sync/session";
import css from "./shell.module.css";

const ALL: PresenceStatus[] = ["online", "busy", "offline"];

export function PresenceSwitch() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const me = useMe();
  const presence = useLive((s) => s.presence[me.agent.id]) ?? me.agent.presence;
  const set = useSetPresence();
  const status = set.isPending ? set.variables : presence.status;
  const { load, capacity } = presence;
  const choose = (next: PresenceStatus) =>
    set.mutate(next, { onError: (error) => void message.error(error.message) });
  return (
    <Dropdown
      trigger={["click"]}
      menu={{
        selectedKeys: [status],
        onClick: ({ key }) => choose(key as PresenceStatus),
        items: ALL.map((key) => ({
          key,
          icon: <span className={css.dot} data-status={key} style={{ display: "inline-block" }} />,
          label: (
            <div>
              <div>{t(`presence.${key}`)}</div>
              <div className="faint" style={{ fontSize: 12 }}>
                {t(`presence.${key}Hint`)}
              </div>
            </div>
          ),
        })),
      }}
    >
      <button type="button" className={css.presence} title={t("presence.load", { load, capacity })}>
        <span className={css.dot} data-status={status} />
        {t(`presence.${status}`)}
        <span className={css.meter} aria-hidden>
          <i
            className={load >= capacity ? css.full : undefined}
            style={{ width: `${capacity ? Math.min(100, (load / capacity) * 100) : 0}%` }}
          />
        </span>
        <span className={css.load}>
          {load}/{capacity}
        </span>
      </button>
    </Dropdown>
  );
}
