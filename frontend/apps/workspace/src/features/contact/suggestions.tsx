import type { Contact, MergeSuggestion } from "@switchboard/protocol";
import { Avatar } from "@switchboard/ui";
import { App, Button } from "antd";
import { GitMerge } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMerge, useSuggestions, useUndoMerge } from "@/sync/desk";
import css from "./contact.module.css";

/** Contacts that may be the same person; a person decides, and can take it back. */
export function Suggestions({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  const { message, modal } = App.useApp();
  const found = useSuggestions(contact.id).data ?? [];
  const merge = useMerge(contact.id);
  const undo = useUndoMerge();
  const [done, setDone] = useState<string | null>(null);
  const fail = (error: Error) => void message.error(error.message);
  const ask = (one: MergeSuggestion) =>
    void modal.confirm({
      title: t("merge.title"),
      content: t("merge.explain", { other: one.contact.name, name: contact.name }),
      okText: t("merge.merge"),
      onOk: () =>
        merge.mutateAsync(one.contact.id).then(
          ({ merge_id }) => setDone(merge_id),
          (error: Error) => fail(error),
        ),
    });
  if (done)
    return (
      <div className={css.suggestion}>
        <span>{t("merge.done")}</span>
        <Button
          size="small"
          type="link"
          onClick={() => undo.mutate(done, { onSuccess: () => setDone(null), onError: fail })}
        >
          {t("merge.undo")}
        </Button>
      </div>
    );
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
          <Button
            size="small"
            loading={merge.isPending && merge.variables === one.contact.id}
            onClick={() => ask(one)}
          >
            {t("merge.merge")}
          </Button>
        </div>
      ))}
    </div>
  );
}
