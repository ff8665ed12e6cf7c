import type { Connection, HealthCheck } from "@switchboard/protocol";
import { Blank, Bones } from "@switchboard/ui";
import { Alert, Button, Form, Input, Select, Tooltip } from "antd";
import { CircleCheck, CircleDashed } from "lucide-react";
import { useTranslation } from "react-i18next";
import { clock, fullTime, listTime, useNow } from "@/lib/time";
import { useConnectionHealth, useSendTest } from "@/sync/channels";
import css from "./channels.module.css";

/** How a connection does: what is still missing, what waits, two days of traffic, and a message to try it. */
export function Vitals({ connection }: { connection: Connection }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const health = useConnectionHealth(connection.id);
  if (health.error) return <Blank title={t("channels.failed")} hint={health.error.message} />;
  if (!health.data) return <Bones rows={5} />;
  const { data } = health;
  const time = (at: string | null) => (at ? listTime(at, now, i18n.language) : "—");
  const figures = [
    ["lastIn", time(data.last_in_at)],
    ["lastOut", time(data.last_out_at)],
    ["checked", time(data.checked_at)],
    [
      "queued",
      data.oldest_queued_at ? `${data.queued} · ${time(data.oldest_queued_at)}` : String(data.queued),
    ],
    ["failedSends", data.ended ? `${data.failed} / ${data.ended}` : "0"],
    ["inDoubt", String(data.in_doubt)],
    ["letters", String(data.parked)],
  ] as const;
  return (
    <div className={css.vitals}>
      <section>
        <h3>{t("vitals.checklist")}</h3>
        <ul className={css.checklist}>
          {data.checklist.map((check) => (
            <Line key={check.code} check={check} />
          ))}
        </ul>
      </section>
      <section>
        <h3>{t("vitals.figures")}</h3>
        <dl className={css.figures}>
          {figures.map(([name, value]) => (
            <div key={name}>
              <dt>{t(`vitals.${name}`)}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </section>
      <section>
        <h3>{t("vitals.traffic")}</h3>
        <Traffic hours={data.hours} language={i18n.language} />
      </section>
      {connection.channels.length > 0 && (
        <section>
          <h3>{t("vitals.test")}</h3>
          <TestMessage connection={connection} />
        </section>
      )}
    </div>
  );
}

function Line({ check }: { check: HealthCheck }) {
  const { t } = useTranslation();
  return (
    <li data-done={check.done}>
      {check.done ? <CircleCheck size={16} /> : <CircleDashed size={16} />}
      <span>
        {t(`vitals.checks.${check.code}`)}
        {!check.done && <small className="muted">{t(`vitals.missing.${check.code}`)}</small>}
        {!check.done && check.detail && <small className="faint">{check.detail}</small>}
      </span>
    </li>
  );
}

interface Hour {
  hour: string;
  inbound: number;
  outbound: number;
}

/** 48 bars, the newest at the right; what came in below what went out. */
function Traffic({ hours, language }: { hours: Hour[]; language: string }) {
  const { t } = useTranslation();
  const now = useNow();
  const known = new Map(hours.map((one) => [Date.parse(one.hour), one]));
  const current = Math.floor(now / 3_600_000) * 3_600_000;
  const bars = Array.from({ length: 48 }, (_, nr) => {
    const at = current - (47 - nr) * 3_600_000;
    return { at, inbound: known.get(at)?.inbound ?? 0, outbound: known.get(at)?.outbound ?? 0 };
  });
  const most = Math.max(1, ...bars.map((bar) => bar.inbound + bar.outbound));
  if (hours.length === 0) return <p className="muted">{t("vitals.noTraffic")}</p>;
  return (
    <>
      <div className={css.bars} role="img" aria-label={t("vitals.traffic")}>
        {bars.map((bar) => (
          <Tooltip
            key={bar.at}
            title={`${clock(bar.at, language)} · ${t("vitals.bar", { in: bar.inbound, out: bar.outbound })}`}
          >
            <span className={css.bar}>
              <i data-way="out" style={{ height: `${(bar.outbound / most) * 100}%` }} />
              <i data-way="in" style={{ height: `${(bar.inbound / most) * 100}%` }} />
            </span>
          </Tooltip>
        ))}
      </div>
      <p className={css.axis}>
        <span className="faint">{fullTime(bars[0]?.at ?? now, language)}</span>
        <span>
          <i data-way="in" /> {t("vitals.in")} <i data-way="out" /> {t("vitals.out")}
        </span>
        <span className="faint">{t("vitals.now")}</span>
      </p>
    </>
  );
}

function TestMessage({ connection }: { connection: Connection }) {
  const { t } = useTranslation();
  const send = useSendTest(connection.id);
  const [form] = Form.useForm<{ channel_id: string; address: string; text: string }>();
  return (
    <Form
      form={form}
      layout="vertical"
      requiredMark={false}
      initialValues={{ channel_id: connection.channels[0]?.id, text: t("vitals.testText") }}
      onFinish={(values) => send.mutate(values)}
    >
      <div className={css.testRow}>
        {connection.channels.length > 1 && (
          <Form.Item name="channel_id" label={t("channels.account")} style={{ minWidth: 160 }}>
            <Select options={connection.channels.map((c) => ({ value: c.id, label: c.name }))} />
          </Form.Item>
        )}
        {connection.channels.length === 1 && <Form.Item name="channel_id" hidden children={<Input />} />}
        <Form.Item
          name="address"
          label={t("vitals.address")}
          rules={[{ required: true, whitespace: true, message: t("vitals.addressNeeded") }]}
          style={{ flex: 1 }}
        >
          <Input placeholder={t("vitals.addressHint")} autoComplete="off" />
        </Form.Item>
        <Form.Item
          name="text"
          label={t("vitals.text")}
          rules={[{ required: true, whitespace: true, message: t("vitals.textNeeded") }]}
          style={{ flex: 2 }}
        >
          <Input />
        </Form.Item>
        <Form.Item label=" ">
          <Button htmlType="submit" loading={send.isPending}>
            {t("vitals.send")}
          </Button>
        </Form.Item>
      </div>
      {send.data?.ok && (
        <Alert
          type="success"
          showIcon
          title={t("vitals.sent")}
          description={send.data.external_id ? t("vitals.sentId", { id: send.data.external_id }) : undefined}
        />
      )}
      {(send.error || send.data?.ok === false) && (
        <Alert
          type="error"
          showIcon
          title={t("vitals.notSent")}
          description={send.error?.message ?? send.data?.message}
        />
      )}
    </Form>
  );
}
