import type { ApiKey } from "@switchboard/protocol";
import { Blank, Bones } from "@switchboard/ui";
import { Alert, App, Button, Checkbox, Form, Input, Modal, Popconfirm, Table, Tag, Typography } from "antd";
import { KeyRound, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { fullTime } from "@/lib/time";
import { useApiKeys, useCreateKey, useDeleteKey } from "@/sync/people";
import { useMe } from "@/sync/session";
import css from "./people.module.css";

/** What only people may do; no key can carry it. */
const PERSONAL = ["self", "conversations.take", "conversations.read_all", "people.manage", "keys.manage"];

export function KeysPage() {
  const { t, i18n } = useTranslation();
  const { message } = App.useApp();
  const keys = useApiKeys();
  const remove = useDeleteKey();
  const [adding, setAdding] = useState(false);
  return (
    <div className={css.page}>
      <div className={css.titleLine}>
        <h1>{t("admin.keys")}</h1>
        <Button type="primary" icon={<Plus size={15} />} onClick={() => setAdding(true)}>
          {t("keys.add")}
        </Button>
      </div>
      <p className="muted" style={{ marginBottom: 14 }}>
        {t("keys.intro")}{" "}
        <a href="/docs" target="_blank" rel="noreferrer">
          {t("keys.docs")}
        </a>
      </p>
      {keys.error ? (
        <Blank title={t("people.failed")} hint={keys.error.message} />
      ) : !keys.data ? (
        <Bones rows={4} />
      ) : keys.data.length === 0 ? (
        <Blank
          icon={<KeyRound size={30} strokeWidth={1.4} />}
          title={t("keys.none")}
          hint={t("keys.noneHint")}
        />
      ) : (
        <Table<ApiKey>
          size="small"
          rowKey="id"
          pagination={false}
          dataSource={keys.data}
          columns={[
            { title: t("keys.name"), dataIndex: "name", width: 200 },
            {
              title: t("keys.scopes"),
              render: (_, k) =>
                k.scopes.map((s) => (
                  <Tag key={s} variant="filled">
                    {s}
                  </Tag>
                )),
            },
            { title: t("keys.created"), width: 160, render: (_, k) => fullTime(k.created_at, i18n.language) },
            {
              title: t("keys.used"),
              width: 160,
              render: (_, k) => (k.last_used_at ? fullTime(k.last_used_at, i18n.language) : t("keys.never")),
            },
            {
              title: "",
              width: 90,
              render: (_, k) => (
                <Popconfirm
                  title={t("keys.deleteAsk")}
                  okText={t("keys.revoke")}
                  okButtonProps={{ danger: true }}
                  onConfirm={() =>
                    remove.mutate(k.id, { onError: (error) => void message.error(error.message) })
                  }
                >
                  <Button size="small" type="text" danger>
                    {t("keys.revoke")}
                  </Button>
                </Popconfirm>
              ),
            },
          ]}
        />
      )}
      {adding && <AddKey close={() => setAdding(false)} />}
    </div>
  );
}

function AddKey({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const { permissions } = useMe();
  const [form] = Form.useForm<{ name: string; scopes: string[] }>();
  const create = useCreateKey();
  const token = create.data?.token;
  return (
    <Modal
      open
      title={token ? t("keys.ready") : t("keys.add")}
      onCancel={close}
      onOk={() => (token ? close() : form.submit())}
      okText={token ? t("keys.noted") : t("keys.create")}
      cancelButtonProps={{ hidden: Boolean(token) }}
      confirmLoading={create.isPending}
      mask={{ closable: !token }}
      width={500}
    >
      {token ? (
        <>
          <Alert type="warning" showIcon title={t("keys.once")} />
          <Typography.Paragraph code copyable style={{ marginTop: 12, overflowWrap: "anywhere" }}>
            {token}
          </Typography.Paragraph>
        </>
      ) : (
        <Form
          form={form}
          layout="vertical"
          requiredMark={false}
          onFinish={(fields) => create.mutate(fields)}
          initialValues={{ scopes: [] }}
        >
          {create.error && (
            <Alert type="error" showIcon title={create.error.message} style={{ marginBottom: 12 }} />
          )}
          <Form.Item
            name="name"
            label={t("keys.name")}
            extra={t("keys.nameHint")}
            rules={[{ required: true, whitespace: true, message: t("keys.nameNeeded") }]}
          >
            <Input autoFocus maxLength={80} />
          </Form.Item>
          <Form.Item
            name="scopes"
            label={t("keys.scopes")}
            rules={[{ required: true, message: t("keys.scopesNeeded") }]}
          >
            <Checkbox.Group
              options={permissions.filter((one) => !PERSONAL.includes(one))}
              className={css.scopes}
            />
          </Form.Item>
        </Form>
      )}
    </Modal>
  );
}
