import type { Connection, Kind } from "@switchboard/protocol";
import { Blank, Bones, ChannelMark } from "@switchboard/ui";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Alert, App, Button, Form, Popconfirm, Switch, Tabs, Tooltip } from "antd";
import { ArrowLeft, Trash2 } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import {
  useChangeConnection,
  useConnections,
  useDeleteConnection,
  useKinds,
  useTestConnection,
} from "@/sync/channels";
import { ProblemError } from "@/sync/rest";
import { ChannelTable } from "./channel-table";
import css from "./channels.module.css";
import { Events } from "./events";
import { ConfigForm, showProblems, type FormValues } from "./form";
import { Guide } from "./guide";
import { fieldsOf, filled, initialValues } from "./schema";
import { CopyLine, StatusDot } from "./status";
import { TestResult } from "./test-result";
import { Vitals } from "./vitals";

export function ConnectionPage() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id?: string };
  const connections = useConnections();
  const kinds = useKinds();
  if (connections.isPending || kinds.isPending) return <Bones rows={6} />;
  const connection = connections.data?.find((c) => c.id === id);
  const kind = kinds.data?.find((k) => k.kind === connection?.kind);
  if (!connection || !kind)
    return (
      <Blank title={t("channels.gone")} action={<Link to="/admin/channels">{t("admin.channels")}</Link>} />
    );
  return <Loaded key={connection.id} connection={connection} kind={kind} />;
}

function Loaded({ connection, kind }: { connection: Connection; kind: Kind }) {
  const { t } = useTranslation();
  return (
    <div className={css.split}>
      <div className={css.formSide}>
        <Link to="/admin/channels" className={css.back}>
          <ArrowLeft size={14} /> {t("admin.channels")}
        </Link>
        <Head connection={connection} />
        <Reach connection={connection} />
        <Tabs
          items={[
            {
              key: "channels",
              label: t("channels.accounts"),
              children: <ChannelTable channels={connection.channels} />,
            },
            {
              key: "settings",
              label: t("channels.settings"),
              children: <Settings connection={connection} kind={kind} />,
            },
            { key: "health", label: t("vitals.title"), children: <Vitals connection={connection} /> },
            { key: "events", label: t("channels.events"), children: <Events id={connection.id} /> },
          ]}
        />
      </div>
      <Guide kind={kind} />
    </div>
  );
}

function Head({ connection }: { connection: Connection }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const test = useTestConnection();
  const change = useChangeConnection();
  const remove = useDeleteConnection();
  const fail = (error: Error) => void message.error(error.message);
  return (
    <>
      <div className={css.title}>
        <ChannelMark kind={connection.kind} size={34} />
        <div style={{ flex: 1, minWidth: 0 }}>
          <h1 className="truncate">{connection.name}</h1>
          <p className={connection.status === "red" ? css.bad : "muted"}>
            <StatusDot status={connection.status} />
            {connection.reason || t(`health.${connection.status}`)}
          </p>
        </div>
        <Tooltip title={t("channels.enabled")}>
          <Switch
            checked={!connection.disabled}
            loading={change.isPending}
            aria-label={t("channels.enabled")}
            onChange={(on) => change.mutate({ id: connection.id, disabled: !on }, { onError: fail })}
          />
        </Tooltip>
        <Button onClick={() => test.mutate({ id: connection.id })} loading={test.isPending}>
          {t("channels.test")}
        </Button>
        <Popconfirm
          title={t("channels.deleteAsk")}
          description={t("channels.deleteExplain")}
          okText={t("channels.delete")}
          okButtonProps={{ danger: true }}
          onConfirm={() =>
            remove.mutate(connection.id, {
              onSuccess: () => void navigate({ to: "/admin/channels" }),
              onError: fail,
            })
          }
        >
          <Button danger type="text" icon={<Trash2 size={15} />} aria-label={t("channels.delete")} />
        </Popconfirm>
      </div>
      <TestResult result={test.data} error={test.error} />
    </>
  );
}

/** What has to be written down elsewhere. */
function Reach({ connection }: { connection: Connection }) {
  const { t } = useTranslation();
  const script = connection.channels.find((c) => c.widget_script)?.widget_script;
  return (
    <>
      {connection.webhook_url && (
        <div className={css.reach}>
          <label>{t("channels.webhook")}</label>
          <CopyLine text={connection.webhook_url} />
        </div>
      )}
      {script && (
        <div className={css.reach}>
          <label>{t("channels.script")}</label>
          <CopyLine text={script} />
          <p className="muted">{t("channels.scriptHint")}</p>
        </div>
      )}
    </>
  );
}

function Settings({ connection, kind }: { connection: Connection; kind: Kind }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [form] = Form.useForm<FormValues>();
  const fields = useMemo(
    // What is public and made by the server cannot be chosen.
    () => fieldsOf(kind.config_schema).filter((field) => !field.generated || field.type === "secret"),
    [kind],
  );
  const change = useChangeConnection();
  const save = (values: FormValues) =>
    change.mutate(
      { id: connection.id, name: values.name.trim(), config: filled(fields, values.config ?? {}) },
      {
        onSuccess: () => void message.success(t("channels.saved")),
        onError: (why) => {
          if (why instanceof ProblemError) showProblems(form, why.problem.errors ?? []);
        },
      },
    );
  return (
    <ConfigForm
      form={form}
      fields={fields}
      stored={connection.config}
      initial={{ name: connection.name, config: initialValues(fields, connection.config) }}
      submit={save}
    >
      {change.error && (
        <Alert type="error" showIcon title={t("channels.refused")} description={change.error.message} />
      )}
      <div className={css.buttons}>
        <Button type="primary" htmlType="submit" loading={change.isPending}>
          {t("channels.save")}
        </Button>
      </div>
    </ConfigForm>
  );
}
