import type { Id } from "@switchboard/protocol";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLive } from "@/sync/live/store";
import { useMe } from "@/sync/session";
import css from "./conversation.module.css";

/** Always there with the same height, so that nothing moves when somebody starts to type. */
export function TypingLine({ id }: { id: Id }) {
  const { t } = useTranslation();
  const me = useMe().agent.id;
  const all = useLive((s) => s.typing[id]);
  const [now, setNow] = useState(Date.now);
  const running = (all ?? []).filter((one) => one.id !== me && one.until > now);
  const soonest = Math.min(...running.map((one) => one.until));
  useEffect(() => setNow(Date.now()), [all]);
  useEffect(() => {
    if (!Number.isFinite(soonest)) return;
    const timer = setTimeout(() => setNow(Date.now()), soonest - Date.now() + 50);
    return () => clearTimeout(timer);
  }, [soonest]);
  return (
    <div className={css.typing} aria-live="polite">
      {running.length > 0 && (
        <>
          <span className={css.dots} aria-hidden>
            <i />
            <i />
            <i />
          </span>
          {t("conversation.typing", { names: running.map((one) => one.name).join("、") })}
        </>
      )}
    </div>
  );
}
