import type { Invitation, Role } from "@switchboard/protocol";
import { Alert, Form, Input, Modal, Segmented, Select, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useInvite, useTeams } from "@/sync/people";

interface Fields {
  email: string;
  name: string;
  role: Role;
  team_ids: string[];
}

export function InviteDialog({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Fields>();
  const teams = useTeams().data ?? [];
  const invite = useInvite();
  const [made, setMade] = useState<Invitation | null>(null);
  if (made) return <Made invitation={made} close={close} />;
  return (
    <Modal
      open
      title={t("people.invite")}
      onCancel={close}
      onOk={() => form.submit()}
      okText={t("people.makeLink")}
      confirmLoading={invite.isPending}
      width={460}
    >
      <Form
        form={form}
        layout="vertical"
        requiredMark={false}
        initialValues={{ role: "agent", team_ids: [] }}
        onFinish={(fields) => invite.mutate(fields, { onSuccess: setMade })}
      >
        {invite.error && (
          <Alert type="error" showIcon title={invite.error.message} style={{ marginBottom: 12 }} />
        )}
        <Form.Item
          name="name"
          label={t("people.name")}
          rules={[{ required: true, whitespace: true, message: t("people.nameNeeded") }]}
        >
          <Input autoFocus maxLength={80} />
        </Form.Item>
        <Form.Item
          name="email"
          label={t("session.email")}
          rules={[{ required: true, type: "email", message: t("session.emailNeeded") }]}
        >
          <Input type="email" />
        </Form.Item>
        <Form.Item name="role" label={t("people.role")}>
          <Segmented
            block
            options={(["agent", "supervisor", "administrator"] as const).map((role) => ({
              value: role,
              label: t(`roles.${role}`),
            }))}
          />
        </Form.Item>
        <Form.Item name="team_ids" label={t("people.teams")}>
          <Select
            mode="multiple"
            placeholder={t("people.noTeam")}
            options={teams.map((x) => ({ value: x.id, label: x.name }))}
          />
        </Form.Item>
      </Form>
    </Modal>
  );
}

function Made({ invitation, close }: { invitation: Invitation; close: () => void }) {
  const { t } = useTranslation();
  const link = new URL(invitation.link, location.origin).href;
  return (
    <Modal
      open
      title={t("people.linkReady")}
      onCancel={close}
      onOk={close}
      cancelButtonProps={{ hidden: true }}
      width={460}
    >
      <p>{t("people.linkHint", { email: invitation.email })}</p>
      <Typography.Paragraph
        code
        copyable={{ text: link }}
        style={{ marginTop: 12, overflowWrap: "anywhere" }}
      >
        {link}
      </Typography.Paragraph>
    </Modal>
  );
}
