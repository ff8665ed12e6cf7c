import type { Contact } from "@switchboard/protocol";
import { Alert, Form, Input, Modal } from "antd";
import { useTranslation } from "react-i18next";
import { useCreateContact } from "@/sync/contacts";

interface Fields {
  name: string;
  phone?: string;
  email?: string;
}

export function CreateDialog({ close, done }: { close: () => void; done: (contact: Contact) => void }) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Fields>();
  const create = useCreateContact();
  const save = ({ name, phone, email }: Fields) => {
    const typed = [
      { space: "phone" as const, value: phone?.trim() ?? "" },
      { space: "email" as const, value: email?.trim() ?? "" },
    ];
    create.mutate({ name: name.trim(), identities: typed.filter((one) => one.value) }, { onSuccess: done });
  };
  return (
    <Modal
      open
      width={420}
      title={t("contacts.new")}
      onCancel={close}
      onOk={form.submit}
      okText={t("contacts.create")}
      confirmLoading={create.isPending}
    >
      <Form form={form} layout="vertical" requiredMark={false} onFinish={save}>
        {create.error && (
          <Alert type="error" showIcon title={create.error.message} style={{ marginBottom: 12 }} />
        )}
        <Form.Item
          name="name"
          label={t("people.name")}
          rules={[{ required: true, whitespace: true, message: t("people.nameNeeded") }]}
        >
          <Input autoFocus maxLength={200} />
        </Form.Item>
        <Form.Item name="phone" label={t("contacts.phone")} extra={t("contacts.phoneHint")}>
          <Input type="tel" maxLength={30} />
        </Form.Item>
        <Form.Item name="email" label={t("session.email")}>
          <Input type="email" maxLength={254} />
        </Form.Item>
      </Form>
    </Modal>
  );
}
