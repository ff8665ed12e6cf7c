import type { Conversation } from "@switchboard/protocol";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { personName } from "@/lib/text";
import { usePreferences } from "@/lib/preferences";
import { chime } from "@/lib/sound";
import { onIncoming, useLive } from "@/sync/live/store";
import { useMe } from "@/sync/session";

/** Sound, browser notification and the number in the title; shows nothing itself. */
export function Notifier() {
  const me = useMe();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const open = (useParams({ strict: false }) as { id?: string }).id;
  const openRef = useRef(open);
  useEffect(() => {
    openRef.current = open;
  }, [open]);

  const unread = useLive((s) =>
    (s.views.mine?.ids ?? []).reduce((sum, id) => sum + ((s.conversations[id]?.unread ?? 0) > 0 ? 1 : 0), 0),
  );
  useEffect(() => {
    document.title = unread > 0 ? `(${unread}) ${me.workspace.name}` : `${me.workspace.name} · Switchboard`;
  }, [unread, me.workspace.name]);

  useEffect(
    () =>
      onIncoming((row) => {
        if (row.assignee_id !== null && row.assignee_id !== me.agent.id) return;
        const seen =
          document.visibilityState === "visible" && document.hasFocus() && openRef.current === row.id;
        if (seen) return;
        const { sound, desktop } = usePreferences.getState();
        if (sound) chime();
        if (desktop)
          show(
            row,
            personName(row.contact.name, t),
            () => void navigate({ to: "/desk/$view/$id", params: { view: "mine", id: row.id } }),
          );
      }),
    [me.agent.id, navigate, t],
  );
  return null;
}

function show(row: Conversation, who: string, open: () => void): void {
  if (!("Notification" in window) || Notification.permission !== "granted" || document.hasFocus()) return;
  const notification = new Notification(who, {
    body: row.preview,
    tag: row.id,
    icon: "/mark.svg",
  });
  notification.onclick = () => {
    window.focus();
    open();
    notification.close();
  };
}
