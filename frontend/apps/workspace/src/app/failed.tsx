import { Blank } from "@switchboard/ui";
import { Button } from "antd";
import { Compass, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";

/** The last net: something on the page itself broke. */
export function Failed({ error }: { error: unknown }) {
  const { t } = useTranslation();
  return (
    <Blank
      icon={<TriangleAlert size={32} />}
      title={t("failed.title")}
      hint={error instanceof Error ? error.message : t("failed.hint")}
      action={<Button onClick={() => location.reload()}>{t("failed.reload")}</Button>}
    />
  );
}

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Blank
      icon={<Compass size={32} />}
      title={t("failed.notFound")}
      action={
        <Button type="primary" href="/">
          {t("failed.home")}
        </Button>
      }
    />
  );
}
