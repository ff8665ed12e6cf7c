import type { Contact } from "@switchboard/protocol";
import { Avatar } from "@switchboard/ui";
import { Button } from "antd";
import { GitMerge } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSuggestions } from "@/sync/contacts";
import css from "./contact.module.css";
import { MergeDialog } from "./merge-dialog";

/** Contacts that may be the same person; a person decides, and can take it back. */
export function Suggestions({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  const found = useSuggestions(contact.id).data ?? [];
  const [other, setOther] = useState<Contact | null>(null);
  if (found.length === 0) return null;
  return (
    <div className={css.suggestions}>
      <div className={css.suggestionHead}>
        <GitMerge size={14} />
        {t("merge.maybe")}
      </div>
      {found.map((one) => (
        <div key={one.contact.id} className={css.suggestion}>
          <Avatar name={one.contact.name} url={one.contact.avatar_url} seed={one.contact.id} size={26} />
          <span style={{ minWidth: 0, flex: 1, lineHeight: 1.35 }}>
            <span className="truncate" style={{ display: "block" }}>
              {one.contact.name}
            </span>
            <small className="muted truncate" style={{ display: "block" }}>
              {t("merge.because", { value: one.because.value })}
            </small>
          </span>
          <Button size="small" onClick={() => setOther(one.contact)}>
            {t("merge.merge")}
          </Button>
        </div>
      ))}
      {other && <MergeDialog contact={contact} other={other} close={() => setOther(null)} />}
    </div>
  );
}
