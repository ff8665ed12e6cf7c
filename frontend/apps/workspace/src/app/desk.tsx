import { Blank } from "@switchboard/ui";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { MessagesSquare } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Composer } from "@/features/composer/composer";
import { ContactPanel } from "@/features/contact/panel";
import { ConversationView } from "@/features/conversation/view";
import { ConversationList } from "@/features/inbox/list";
import { ViewNav } from "@/features/inbox/nav";
import { setPreference, usePreferences } from "@/lib/preferences";
import { showMessage } from "./show-message";
import css from "./desk.module.css";

/** The four zones. */
export function Desk() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { view = "mine", id } = useParams({ strict: false }) as { view?: string; id?: string };
  const { at } = useSearch({ strict: false }) as { at?: number };
  const panel = usePreferences((s) => s.panel);
  const open = (next: string, replace = false) =>
    void navigate({ to: "/desk/$view/$id", params: { view, id: next }, replace });
  return (
    <div className={css.desk} data-panel={panel && id ? "open" : "closed"}>
      <ViewNav view={view} />
      <ConversationList view={view} selected={id} open={open} />
      <section className={css.conversation}>
        {id ? (
          <ConversationView
            key={id}
            id={id}
            at={at}
            panelOpen={panel}
            togglePanel={() => setPreference({ panel: !panel })}
            composer={(reply) => <Composer key={id} id={id} reply={reply} />}
          />
        ) : (
          <Blank
            icon={<MessagesSquare size={34} strokeWidth={1.4} />}
            title={t("desk.pick")}
            hint={t("desk.pickHint")}
          />
        )}
      </section>
      {panel && id && (
        <ContactPanel
          conversationId={id}
          open={open}
          openContact={(contact) => void navigate({ to: "/contacts/$id", params: { id: contact } })}
          show={showMessage}
        />
      )}
    </div>
  );
}
