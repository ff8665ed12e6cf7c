import type { AuditEntry } from "@switchboard/protocol";
import { Blank, Bones } from "@switchboard/ui";
import { Button, Table } from "antd";
import { useTranslation } from "react-i18next";
import { fullTime } from "@/lib/time";
import { useAudit } from "@/sync/people";
import css from "./people.module.css";

export function AuditPage() {
  const { t, i18n } = useTranslation();
  const audit = useAudit();
  const all = audit.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <div className={css.page}>
      <h1>{t("admin.audit")}</h1>
      <p className="muted" style={{ marginBottom: 14 }}>
        {t("audit.intro")}
      </p>
      {audit.error ? (
        <Blank title={t("people.failed")} hint={audit.error.message} />
      ) : audit.isPending ? (
        <Bones rows={8} />
      ) : (
        <Table<AuditEntry>
          size="small"
          rowKey="id"
          pagination={false}
          dataSource={all}
          locale={{ emptyText: t("audit.none") }}
          columns={[
            { title: t("audit.at"), width: 170, render: (_, e) => fullTime(e.at, i18n.language) },
            { title: t("audit.who"), width: 150, render: (_, e) => e.actor_name ?? t("author.system") },
            {
              title: t("audit.action"),
              width: 200,
              render: (_, e) => t(`audits.${e.action.replaceAll(".", "_")}`, { defaultValue: e.action }),
            },
            { title: t("audit.target"), width: 200, ellipsis: true, dataIndex: "target" },
            { title: t("audit.detail"), ellipsis: true, render: (_, e) => detail(e.detail) },
          ]}
        />
      )}
      {audit.hasNextPage && (
        <Button
          style={{ marginTop: 12 }}
          onClick={() => void audit.fetchNextPage()}
          loading={audit.isFetchingNextPage}
        >
          {t("search.more")}
        </Button>
      )}
    </div>
  );
}

function detail(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return String(value);
  return Object.entries(value)
    .map(([name, one]) => `${name}: ${typeof one === "object" ? JSON.stringify(one) : String(one)}`)
    .join(", ");
}
