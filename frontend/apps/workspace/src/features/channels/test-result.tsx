import type { ConnectionTest } from "@switchboard/protocol";
import { Alert } from "antd";
import { useTranslation } from "react-i18next";

export function TestResult({ result, error }: { result: ConnectionTest | undefined; error: Error | null }) {
  const { t } = useTranslation();
  if (error) return <Alert type="error" showIcon title={t("channels.testBad")} description={error.message} />;
  if (!result) return null;
  const accounts = result.accounts ?? [];
  return (
    <Alert
      type={result.ok ? "success" : "error"}
      showIcon
      title={result.ok ? t("channels.testGood") : t("channels.testBad")}
      description={
        <>
          {result.message}
          {accounts.length > 0 && (
            <ul style={{ margin: "4px 0 0", paddingLeft: 18 }}>
              {accounts.map((a) => (
                <li key={a.external_id}>
                  {a.name} <span className="faint">{a.external_id}</span>
                </li>
              ))}
            </ul>
          )}
        </>
      }
    />
  );
}
