import { useNavigate, useSearch } from "@tanstack/react-router";
import { Alert, Button, Form, Input } from "antd";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { duration } from "@/lib/time";
import { NoAnswer, ProblemError } from "@/sync/rest";
import { useSession, useSignIn } from "@/sync/session";
import { SessionFrame } from "./frame";

export function SignIn() {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const { next } = useSearch({ strict: false }) as { next?: string };
  const signIn = useSignIn();
  const me = useSession();
  useEffect(() => {
    // Only addresses of this page: a full address could lead elsewhere.
    if (me)
      void navigate({ href: next?.startsWith("/") && !next.startsWith("//") ? next : "/", replace: true });
  }, [me, next, navigate]);
  return (
    <SessionFrame>
      <h1>{t("session.signIn")}</h1>
      <p>{t("session.signInHint")}</p>
      <Form
        layout="vertical"
        requiredMark={false}
        size="large"
        onFinish={(form: { email: string; password: string }) => signIn.mutate(form)}
      >
        {signIn.error && (
          <Alert
            type="error"
            showIcon
            style={{ marginBottom: 16 }}
            title={words(signIn.error, t, i18n.language)}
            role="alert"
          />
        )}
        <Form.Item
          name="email"
          label={t("session.email")}
          rules={[{ required: true, message: t("session.emailNeeded") }]}
        >
          <Input type="email" autoComplete="username" autoFocus />
        </Form.Item>
        <Form.Item
          name="password"
          label={t("session.password")}
          rules={[{ required: true, message: t("session.passwordNeeded") }]}
        >
          <Input.Password autoComplete="current-password" />
        </Form.Item>
        <Button type="primary" htmlType="submit" block loading={signIn.isPending}>
          {t("session.signIn")}
        </Button>
      </Form>
    </SessionFrame>
  );
}

function words(
  error: Error,
  t: (key: string, options?: Record<string, unknown>) => string,
  locale: string,
): string {
  if (error instanceof NoAnswer) return t("link.noAnswer");
  if (error instanceof ProblemError) {
    if (error.status === 429)
      return t("session.tooMany", { time: duration((error.retryAfter ?? 60) * 1000, locale) });
    if (error.status === 401) return t("session.wrong");
  }
  return error.message;
}
