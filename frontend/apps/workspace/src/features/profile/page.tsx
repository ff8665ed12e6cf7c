import type { SessionInfo, Theme } from "@switchboard/protocol";
import { Bones } from "@switchboard/ui";
import { App, Button, Form, Input, Segmented, Switch, Tag } from "antd";
import { Monitor } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { setLanguage, type Language } from "@/lib/i18n";
import { setPreference, usePreferences } from "@/lib/preferences";
import { chime } from "@/lib/sound";
import { fullTime } from "@/lib/time";
import { useChangeMe, useChangePassword, useEndSession, useMe, useMySessions } from "@/sync/session";
import css from "./profile.module.css";

const SHORTEST = 8;

export function ProfilePage() {
  const { t } = useTranslation();
  return (
    <div className={css.page}>
      <div className={css.column}>
        <h1>{t("nav.profile")}</h1>
        <Block title={t("profile.me")}>
          <Name />
        </Block>
        <Block title={t("profile.look")}>
          <Look />
        </Block>
        <Block title={t("profile.notifications")}>
          <Notifications />
        </Block>
        <Block title={t("profile.password")}>
          <Password />
        </Block>
        <Block title={t("profile.sessions")}>
          <Sessions />
        </Block>
      </div>
    </div>
  );
}

function Block({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={css.block}>
      <h2>{title}</h2>
      <div>{children}</div>
    </section>
  );
}

function Line({ label, hint, children }: { label: string; hint?: string; children: ReactNode }) {
  return (
    <div className={css.line}>
      <div>
        {label}
        {hint && <div className="faint">{hint}</div>}
      </div>
      {children}
    </div>
  );
}

function Name() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const me = useMe();
  const change = useChangeMe();
  const save = ({ name }: { name: string }) =>
    change.mutate(
      { name: name.trim() },
      {
        onSuccess: () => void message.success(t("channels.saved")),
        onError: (e) => void message.error(e.message),
      },
    );
  return (
    <>
      <Form layout="vertical" requiredMark={false} initialValues={{ name: me.agent.name }} onFinish={save}>
        <Form.Item
          name="name"
          label={t("people.name")}
          extra={t("profile.nameHint")}
          rules={[{ required: true, whitespace: true, message: t("people.nameNeeded") }]}
        >
          <Input maxLength={80} style={{ maxWidth: 320 }} />
        </Form.Item>
        <Button htmlType="submit" loading={change.isPending}>
          {t("channels.save")}
        </Button>
      </Form>
      <p className="faint" style={{ marginTop: 12 }}>
        {me.agent.email} · {t(`roles.${me.agent.role}`)} · {me.workspace.name}
      </p>
    </>
  );
}

function Look() {
  const { t, i18n } = useTranslation();
  const theme = usePreferences((s) => s.theme);
  const change = useChangeMe();
  return (
    <>
      <Line label={t("profile.language")}>
        <Segmented
          value={i18n.language as Language}
          options={[
            { value: "zh-CN", label: "简体中文" },
            { value: "en", label: "English" },
          ]}
          onChange={(language: Language) => {
            setLanguage(language);
            change.mutate({ locale: language });
          }}
        />
      </Line>
      <Line label={t("profile.theme")}>
        <Segmented
          value={theme}
          options={(["light", "dark", "system"] as const).map((value) => ({
            value,
            label: t(`profile.themes.${value}`),
          }))}
          onChange={(next: Theme) => {
            setPreference({ theme: next });
            change.mutate({ theme: next });
          }}
        />
      </Line>
    </>
  );
}

function Notifications() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const { sound, desktop } = usePreferences();
  const allow = async (on: boolean) => {
    if (on && "Notification" in window && (await Notification.requestPermission()) !== "granted") {
      void message.warning(t("profile.desktopDenied"));
      return;
    }
    setPreference({ desktop: on });
  };
  return (
    <>
      <Line label={t("profile.sound")} hint={t("profile.soundHint")}>
        <Switch
          checked={sound}
          aria-label={t("profile.sound")}
          onChange={(on) => {
            setPreference({ sound: on });
            if (on) chime();
          }}
        />
      </Line>
      <Line label={t("profile.desktop")} hint={t("profile.desktopHint")}>
        <Switch checked={desktop} aria-label={t("profile.desktop")} onChange={(on) => void allow(on)} />
      </Line>
    </>
  );
}

interface PasswordFields {
  current: string;
  next: string;
  again: string;
}

function Password() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [form] = Form.useForm<PasswordFields>();
  const change = useChangePassword();
  const save = ({ current, next }: PasswordFields) =>
    change.mutate(
      { current, new: next },
      {
        onSuccess: () => {
          form.resetFields();
          void message.success(t("profile.passwordChanged"));
        },
        onError: (error) => void message.error(error.message),
      },
    );
  return (
    <Form form={form} layout="vertical" requiredMark={false} onFinish={save} style={{ maxWidth: 320 }}>
      <Form.Item
        name="current"
        label={t("profile.currentPassword")}
        rules={[{ required: true, message: t("session.passwordNeeded") }]}
      >
        <Input.Password autoComplete="current-password" />
      </Form.Item>
      <Form.Item
        name="next"
        label={t("session.newPassword")}
        rules={[{ required: true, min: SHORTEST, message: t("session.passwordRule", { count: SHORTEST }) }]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Form.Item
        name="again"
        label={t("profile.again")}
        dependencies={["next"]}
        rules={[
          ({ getFieldValue }) => ({
            validator: (_, value) =>
              value === getFieldValue("next")
                ? Promise.resolve()
                : Promise.reject(new Error(t("profile.different"))),
          }),
        ]}
      >
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Button htmlType="submit" loading={change.isPending}>
        {t("profile.changePassword")}
      </Button>
    </Form>
  );
}

function Sessions() {
  const { t, i18n } = useTranslation();
  const { message } = App.useApp();
  const sessions = useMySessions();
  const end = useEndSession();
  if (!sessions.data) return <Bones rows={2} />;
  const one = (s: SessionInfo) => (
    <li key={s.id}>
      <Monitor size={16} className="faint" />
      <div style={{ flex: 1, minWidth: 0 }}>
        <div className="truncate" title={s.user_agent ?? undefined}>
          {device(s.user_agent) || t("profile.unknownDevice")}
        </div>
        <div className="faint">
          {s.address} · {fullTime(s.last_seen_at ?? s.created_at, i18n.language)}
        </div>
      </div>
      {s.current ? (
        <Tag color="green" variant="filled">
          {t("profile.thisSession")}
        </Tag>
      ) : (
        <Button
          size="small"
          onClick={() => end.mutate(s.id, { onError: (error) => void message.error(error.message) })}
        >
          {t("profile.endSession")}
        </Button>
      )}
    </li>
  );
  return <ul className={css.sessions}>{sessions.data.map(one)}</ul>;
}

/** Browser and system, as far as the header tells. */
function device(agent: string | null): string {
  if (!agent) return "";
  const browser = /(Edg|Firefox|Chrome|Safari)\/\d+/.exec(agent)?.[1]?.replace("Edg", "Edge");
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/
    .exec(agent)?.[1]
    ?.replace("Mac OS X", "macOS");
  return [browser, system].filter(Boolean).join(" · ") || agent.slice(0, 60);
}
