import type { Me } from "@switchboard/protocol";
import { Alert, Form, Input, Modal } from "antd";
import { useTranslation } from "react-i18next";
import { useSwitchWorkspace } from "@/sync/session";

interface Props {
  to: Me["workspaces"][number];
  email: string;
  close: () => void;
}

/** Each workspace has a session of its own, which begins with the password. */
export function SwitchDialog({ to, email, close }: Props) {
  const { t } = useTranslation();
  const [form] = Form.useForm<{ password: string }>();
  const enter = useSwitchWorkspace();
  return (
    <Modal
      open
      width={400}
      title={t("session.switchTo", { name: to.name })}
      onCancel={close}
      onOk={form.submit}
      okText={t("session.switch")}
      confirmLoading={enter.isPending}
    >
      <p className="muted">{t("session.switchHint", { email })}</p>
      <Form
        form={form}
        layout="vertical"
        requiredMark={false}
        onFinish={({ password }) => enter.mutate({ email, password, workspace_id: to.id })}
      >
        {enter.error && (
          <Alert type="error" showIcon title={enter.error.message} style={{ marginBottom: 12 }} />
        )}
        <Form.Item
          name="password"
          label={t("session.password")}
          rules={[{ required: true, message: t("session.passwordNeeded") }]}
        >
          <Input.Password autoFocus autoComplete="current-password" />
        </Form.Item>
      </Form>
    </Modal>
  );
}
