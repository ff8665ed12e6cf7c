import type { Contact, Id } from "@switchboard/protocol";
import { Avatar } from "@switchboard/ui";
import { App, Button, Modal } from "antd";
import { ArrowRight } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { shortId } from "@/lib/text";
import { useMerge, useUndoMerge } from "@/sync/contacts";
import css from "./contact.module.css";
import { ContactPicker } from "./picker";
import { claimsOnly } from "./profile";

interface Props {
  contact: Contact;
  /** Who becomes part of this contact; chosen here when not given. */
  other?: Contact;
  close: () => void;
}

/** Shows what the two would become before it is done. */
export function MergeDialog({ contact, other: given, close }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [other, setOther] = useState<Contact | null>(given ?? null);
  const merge = useMerge(contact.id);
  const tellUndo = useUndoNotice();
  const run = () =>
    other &&
    merge.mutate(other.id, {
      onSuccess: ({ merge_id }) => {
        tellUndo(merge_id);
        close();
      },
      onError: (error) => void message.error(error.message),
    });
  return (
    <Modal
      open
      width={620}
      title={t("merge.title")}
      onCancel={close}
      onOk={run}
      okText={t("merge.merge")}
      okButtonProps={{ disabled: !other }}
      confirmLoading={merge.isPending}
    >
      {!given && <ContactPicker without={contact.id} choose={setOther} placeholder={t("merge.find")} />}
      {other ? (
        <>
          <div className={css.preview}>
            <Side contact={other} title={t("merge.from")} />
            <ArrowRight size={18} className="faint" />
            <Side contact={contact} title={t("merge.into")} />
          </div>
          <Result contact={contact} other={other} />
        </>
      ) : (
        <p className="muted" style={{ marginTop: 10 }}>
          {t("merge.choose", { name: contact.name })}
        </p>
      )}
    </Modal>
  );
}

const named = (contact: Contact, visitor: (id: string) => string): string[] =>
  contact.identities.map((one) => {
    const short = shortId(one.value);
    return one.label || (short ? visitor(short) : one.value);
  });

function Side({ contact, title }: { contact: Contact; title: string }) {
  const { t } = useTranslation();
  const lines = [
    ...named(contact, (id) => t("contact.visitor", { id })),
    ...claimsOnly(contact).map((one) => one.value),
  ];
  return (
    <div className={css.side}>
      <small className="faint">{title}</small>
      <span style={{ display: "flex", gap: 8, alignItems: "center" }}>
        <Avatar name={contact.name} url={contact.avatar_url} seed={contact.id} size={28} />
        <b className="truncate">{contact.name}</b>
      </span>
      {lines.map((line, i) => (
        <span key={i} className="truncate muted">
          {line}
        </span>
      ))}
    </div>
  );
}

function Result({ contact, other }: { contact: Contact; other: Contact }) {
  const { t } = useTranslation();
  const tags = [...new Set([...contact.tags, ...other.tags])];
  return (
    <ul className={css.result}>
      <li>{t("merge.keepsName", { name: contact.name })}</li>
      <li>{t("merge.identities", { count: contact.identities.length + other.identities.length })}</li>
      {tags.length > 0 && <li>{t("merge.tags", { tags: tags.join(", ") })}</li>}
      <li>{t("merge.cases")}</li>
      <li>{t("merge.undoable")}</li>
    </ul>
  );
}

const SHOWN = 12;

/** Says that it is done, and takes it back while the notice stands. */
function useUndoNotice(): (merge: Id) => void {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const undo = useUndoMerge();
  return (merge) => {
    const key = `merge.${merge}`;
    const back = () => {
      message.destroy(key);
      // The dialog is gone by then, so the answer is awaited here and not by its hooks.
      undo.mutateAsync(merge).then(
        () => void message.success(t("merge.undone")),
        (error: Error) => void message.error(error.message),
      );
    };
    void message.success({
      key,
      duration: SHOWN,
      content: (
        <>
          {t("merge.done")}
          <Button type="link" size="small" onClick={back}>
            {t("merge.undo")}
          </Button>
        </>
      ),
    });
  };
}
