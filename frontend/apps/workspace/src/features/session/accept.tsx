import { Blank, Bones } from "@switchboard/ui";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Alert, Button, Form, Input } from "antd";
import { MailX } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useAcceptInvitation, useInvitationLookup } from "@/sync/session";
import { SessionFrame } from "./frame";

/** Fewer characters are refused by the server too. */
const SHORTEST = 8;

export function AcceptInvitation() {
  const { t } = useTranslation();
  const { token = "" } = useSearch({ strict: false }) as { token?: string };
  const found = useInvitationLookup(token);
  return (
    <SessionFrame>
      {found.isPending ? (
        <Bones rows={4} />
      ) : found.data ? (
        <>
          <h1>{t("session.welcome", { name: found.data.name })}</h1>
          <p>{t("session.invited", { workspace: found.data.workspace_name, email: found.data.email })}</p>
          <AcceptForm token={token} name={found.data.name} />
        </>
      ) : (
        <Blank
          icon={<MailX size={30} strokeWidth={1.4} />}
          title={t("session.invitationGone")}
          hint={t("session.invitationGoneHint")}
          action={<Link to="/sign-in">{t("session.signIn")}</Link>}
        />
      )}
    </SessionFrame>
  );
}

interface Fields {
  name: string;
  password: string;
}

function AcceptForm({ token, name }: { token: string; name: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const accept = useAcceptInvitation();
  const send = (form: Fields) =>
    accept.mutate({ token, ...form }, { onSuccess: () => void navigate({ to: "/" }) });
  return (
    <Form layout="vertical" size="large" requiredMark={false} initialValues={{ name }} onFinish={send}>
      {accept.error && (
        <Alert type="error" showIcon title={accept.error.message} style={{ marginBottom: 16 }} />
      )}
      <Form.Item
        name="name"
        label={t("people.name")}
        rules={[{ required: true, message: t("people.nameNeeded") }]}
      >
        <Input autoComplete="name" />
      </Form.Item>
      <Form.Item
        name="password"
        label={t("session.newPassword")}
        extra={t("session.passwordRule", { count: SHORTEST })}
        rules={[{ required: true, min: SHORTEST, message: t("session.passwordRule", { count: SHORTEST }) }]}
      >
        <Input.Password autoComplete="new-password" autoFocus />
      </Form.Item>
      <Button type="primary" htmlType="submit" block loading={accept.isPending}>
        {t("session.join")}
      </Button>
    </Form>
  );
}
