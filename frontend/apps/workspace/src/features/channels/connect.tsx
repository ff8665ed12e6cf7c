import type { Connection, Kind } from "@switchboard/protocol";
import { Blank, Bones, ChannelMark } from "@switchboard/ui";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { Alert, Button, Form } from "antd";
import { ArrowLeft } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { bilingual } from "@/lib/i18n";
import { useCreateConnection, useKinds, useTestConnection } from "@/sync/channels";
import { ProblemError } from "@/sync/rest";
import css from "./channels.module.css";
import { ConfigForm, showProblems, type FormValues } from "./form";
import { Generated } from "./generated";
import { Guide } from "./guide";
import { fieldsOf, filled, initialValues } from "./schema";
import { TestResult } from "./test-result";

export function ConnectPage() {
  const { t } = useTranslation();
  const { kind: wanted } = useParams({ strict: false }) as { kind?: string };
  const kinds = useKinds();
  const kind = kinds.data?.find((k) => k.kind === wanted);
  if (kinds.isPending) return <Bones rows={6} />;
  if (!kind)
    return (
      <Blank
        title={t("channels.unknownKind")}
        action={<Link to="/admin/channels">{t("admin.channels")}</Link>}
      />
    );
  return <Connect kind={kind} />;
}

function Connect({ kind }: { kind: Kind }) {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const [form] = Form.useForm<FormValues>();
  const fields = useMemo(
    // A secret that is made here may also be the one that the other side has already.
    () => fieldsOf(kind.config_schema).filter((field) => !field.generated || field.type === "secret"),
    [kind],
  );
  const create = useCreateConnection();
  const test = useTestConnection();
  const [error, setError] = useState<ProblemError | Error | null>(null);
  const [made, setMade] = useState<Connection | null>(null);
  const open = (id: string) => void navigate({ to: "/admin/channels/$id", params: { id } });
  const name = bilingual(kind.names, i18n.language);

  const save = (values: FormValues, force = false) => {
    setError(null);
    create.mutate(
      { kind: kind.kind, name: values.name.trim(), config: filled(fields, values.config ?? {}), force },
      {
        onSuccess: (connection) => (connection.generated ? setMade(connection) : open(connection.id)),
        onError: (why) => {
          setError(why);
          if (why instanceof ProblemError) showProblems(form, why.problem.errors ?? []);
        },
      },
    );
  };
  const tryOut = async () => {
    const values = await form.validateFields().catch(() => null);
    if (values) test.mutate({ kind: kind.kind, config: filled(fields, values.config ?? {}) });
  };
  return (
    <div className={css.split}>
      <div className={css.formSide}>
        <Link to="/admin/channels" className={css.back}>
          <ArrowLeft size={14} /> {t("admin.channels")}
        </Link>
        <div className={css.title}>
          <ChannelMark kind={kind.kind} size={34} />
          <div>
            <h1>{t("channels.connectKind", { kind: name })}</h1>
            <p className="muted">{bilingual(kind.description, i18n.language)}</p>
          </div>
        </div>
        <ConfigForm
          form={form}
          fields={fields}
          initial={{ name, config: initialValues(fields, undefined) }}
          submit={(values) => save(values)}
        >
          {error && (
            <Alert
              type="error"
              showIcon
              title={t("channels.refused")}
              description={error.message}
              style={{ marginBottom: 12 }}
              action={
                error instanceof ProblemError && error.status === 422 ? (
                  <Button size="small" onClick={() => save(form.getFieldsValue(true) as FormValues, true)}>
                    {t("channels.saveAnyway")}
                  </Button>
                ) : undefined
              }
            />
          )}
          <TestResult result={test.data} error={test.error} />
          <div className={css.buttons}>
            <Button onClick={() => void tryOut()} loading={test.isPending}>
              {t("channels.test")}
            </Button>
            <Button type="primary" htmlType="submit" loading={create.isPending}>
              {t("channels.connect")}
            </Button>
          </div>
        </ConfigForm>
      </div>
      <Guide kind={kind} />
      {made && <Generated kind={kind} secrets={made.generated ?? {}} close={() => open(made.id)} />}
    </div>
  );
}
