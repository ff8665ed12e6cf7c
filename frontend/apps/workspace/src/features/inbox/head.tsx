import type { ViewSort } from "@switchboard/protocol";
import { ChannelMark } from "@switchboard/ui";
import { Badge, Button, Dropdown, Input, Popover, Select } from "antd";
import { ArrowDownWideNarrow, ListFilter } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useChannels } from "@/sync/channels";
import type { Narrow } from "@/sync/live/views";
import { useAgents } from "@/sync/people";
import css from "./inbox.module.css";

interface Props {
  title: string;
  count: number | null;
  more: boolean;
  sort: ViewSort;
  setSort: (sort: ViewSort) => void;
  fixedSort: boolean;
  narrow: Narrow;
  setNarrow: (narrow: Narrow) => void;
}

export function ListHead({ title, count, more, sort, setSort, fixedSort, narrow, setNarrow }: Props) {
  const { t } = useTranslation();
  const active = Object.values(narrow).filter(Boolean).length;
  return (
    <header className={css.head}>
      <h2 className="truncate">{title}</h2>
      {count !== null && count > 0 && (
        <span className="faint">
          {count}
          {more && "+"}
        </span>
      )}
      <span style={{ flex: 1 }} />
      <Dropdown
        trigger={["click"]}
        disabled={fixedSort}
        menu={{
          selectedKeys: [sort],
          onClick: ({ key }) => setSort(key as ViewSort),
          items: [
            { key: "last", label: t("list.sortLast") },
            { key: "waiting", label: t("list.sortWaiting") },
          ],
        }}
      >
        <Button
          type="text"
          size="small"
          icon={<ArrowDownWideNarrow size={15} />}
          title={t("list.sort")}
          aria-label={t("list.sort")}
        />
      </Dropdown>
      <Popover
        trigger="click"
        placement="bottomRight"
        content={<Filters narrow={narrow} setNarrow={setNarrow} />}
      >
        <Badge count={active} size="small" offset={[-4, 4]}>
          <Button
            type="text"
            size="small"
            icon={<ListFilter size={15} />}
            title={t("list.filter")}
            aria-label={t("list.filter")}
          />
        </Badge>
      </Popover>
    </header>
  );
}

function Filters({ narrow, setNarrow }: { narrow: Narrow; setNarrow: (narrow: Narrow) => void }) {
  const { t } = useTranslation();
  const channels = useChannels().data ?? [];
  const agents = useAgents().data ?? [];
  const kinds = [...new Set(channels.map((c) => c.kind))];
  const set = (field: keyof Narrow) => (value: string | undefined) =>
    setNarrow({ ...narrow, [field]: value || undefined });
  const common = { allowClear: true, style: { width: "100%" } };
  return (
    <div className={css.filters}>
      <label>{t("list.kind")}</label>
      <Select
        {...common}
        value={narrow.kind}
        onChange={set("kind")}
        placeholder={t("list.anyKind")}
        options={kinds.map((kind) => ({
          value: kind,
          label: (
            <span style={{ display: "flex", gap: 8, alignItems: "center" }}>
              <ChannelMark kind={kind} size={16} /> {t(`kinds.${kind}`, { defaultValue: kind })}
            </span>
          ),
        }))}
      />
      <label>{t("list.channel")}</label>
      <Select
        {...common}
        value={narrow.channel}
        onChange={set("channel")}
        placeholder={t("list.anyChannel")}
        showSearch={{ optionFilterProp: "label" }}
        options={channels.map((c) => ({ value: c.id, label: c.name }))}
      />
      <label>{t("list.assignee")}</label>
      <Select
        {...common}
        value={narrow.assignee}
        onChange={set("assignee")}
        placeholder={t("list.anyAssignee")}
        showSearch={{ optionFilterProp: "label" }}
        options={[
          { value: "me", label: t("list.me") },
          { value: "none", label: t("list.nobody") },
          ...agents.map((a) => ({ value: a.id, label: a.name })),
        ]}
      />
      <label>{t("list.tag")}</label>
      <Input
        allowClear
        defaultValue={narrow.tag}
        placeholder={t("list.anyTag")}
        onPressEnter={(event) => set("tag")(event.currentTarget.value.trim())}
        onBlur={(event) => set("tag")(event.currentTarget.value.trim())}
      />
      <Button size="small" onClick={() => setNarrow({})} disabled={!Object.values(narrow).some(Boolean)}>
        {t("list.clear")}
      </Button>
    </div>
  );
}
