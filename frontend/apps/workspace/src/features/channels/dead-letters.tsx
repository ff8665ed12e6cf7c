import type { DeadLetter } from "@switchboard/protocol";
import { Blank, Bones, ChannelMark } from "@switchboard/ui";
import { App, Button, Drawer, Popconfirm, Table, Tag } from "antd";
import { MailCheck, RotateCcw, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { fullTime } from "@/lib/time";
import { useDeadLetter, useDeadLetters, useDiscard, useReplay } from "@/sync/channels";
import css from "./channels.module.css";

/** What arrived and could not be filed. */
export function DeadLettersPage() {
  const { t, i18n } = useTranslation();
  const letters = useDeadLetters();
  const [open, setOpen] = useState<string | null>(null);
  const all = letters.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <div className={css.page}>
      <h1>{t("admin.dead-letters")}</h1>
      <p className="muted">{t("letters.intro")}</p>
      {letters.error ? (
        <Blank title={t("channels.failed")} hint={letters.error.message} />
      ) : letters.isPending ? (
        <Bones rows={5} />
      ) : all.length === 0 ? (
        <Blank
          icon={<MailCheck size={30} strokeWidth={1.4} />}
          title={t("letters.none")}
          hint={t("letters.noneHint")}
        />
      ) : (
        <Table<DeadLetter>
          size="small"
          rowKey="id"
          pagination={false}
          dataSource={all}
          style={{ marginTop: 14 }}
          onRow={(letter) => ({ onClick: () => setOpen(letter.id), style: { cursor: "pointer" } })}
          columns={[
            {
              title: t("letters.received"),
              width: 160,
              render: (_, l) => fullTime(l.received_at, i18n.language),
            },
            {
              title: t("list.channel"),
              width: 180,
              render: (_, l) => (
                <span style={{ display: "flex", gap: 8 }}>
                  <ChannelMark kind={l.kind} size={18} />
                  <span className="truncate">{l.channel_name ?? l.kind}</span>
                </span>
              ),
            },
            {
              title: t("letters.state"),
              width: 110,
              render: (_, l) => <Tag variant="filled">{t(`letters.${l.state}`)}</Tag>,
            },
            { title: t("letters.error"), ellipsis: true, dataIndex: "error" },
            { title: "", width: 180, render: (_, l) => <Actions letter={l} done={() => undefined} /> },
          ]}
        />
      )}
      {letters.hasNextPage && (
        <Button
          style={{ marginTop: 12 }}
          onClick={() => void letters.fetchNextPage()}
          loading={letters.isFetchingNextPage}
        >
          {t("search.more")}
        </Button>
      )}
      <Letter id={open} close={() => setOpen(null)} />
    </div>
  );
}

function Actions({ letter, done }: { letter: DeadLetter; done: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const replay = useReplay();
  const discard = useDiscard();
  const fail = (error: Error) => void message.error(error.message);
  return (
    <span style={{ display: "flex", gap: 6 }} onClick={(event) => event.stopPropagation()}>
      <Button
        size="small"
        icon={<RotateCcw size={13} />}
        loading={replay.isPending}
        onClick={() =>
          replay.mutate(letter.id, {
            onError: fail,
            onSuccess: () => {
              void message.success(t("letters.replayed"));
              done();
            },
          })
        }
      >
        {t("letters.replay")}
      </Button>
      <Popconfirm
        title={t("letters.discardAsk")}
        okButtonProps={{ danger: true }}
        okText={t("letters.discard")}
        onConfirm={() => discard.mutate(letter.id, { onError: fail, onSuccess: done })}
      >
        <Button
          size="small"
          type="text"
          danger
          icon={<Trash2 size={13} />}
          aria-label={t("letters.discard")}
        />
      </Popconfirm>
    </span>
  );
}

function Letter({ id, close }: { id: string | null; close: () => void }) {
  const { t } = useTranslation();
  const letter = useDeadLetter(id).data;
  return (
    <Drawer
      open={id !== null}
      onClose={close}
      size={640}
      title={t("letters.one")}
      extra={letter && <Actions letter={letter} done={close} />}
    >
      {letter ? (
        <>
          <p className={css.bad}>{letter.error}</p>
          <pre className={css.body}>{pretty(letter.body)}</pre>
        </>
      ) : (
        <Bones rows={8} />
      )}
    </Drawer>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
