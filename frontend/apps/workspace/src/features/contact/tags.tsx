import { Input, Tag } from "antd";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

export function Tags({ tags, save }: { tags: string[]; save: (tags: string[]) => void }) {
  const { t } = useTranslation();
  const [adding, setAdding] = useState(false);
  const add = (text: string) => {
    const tag = text.trim();
    setAdding(false);
    if (tag && !tags.includes(tag)) save([...tags, tag]);
  };
  return (
    <div style={{ display: "flex", flexWrap: "wrap", gap: 5 }}>
      {tags.map((tag) => (
        <Tag
          key={tag}
          closable
          onClose={(event) => (event.preventDefault(), save(tags.filter((x) => x !== tag)))}
          style={{ margin: 0 }}
        >
          {tag}
        </Tag>
      ))}
      {adding ? (
        <Input
          size="small"
          autoFocus
          style={{ width: 110 }}
          maxLength={40}
          onPressEnter={(event) => !event.nativeEvent.isComposing && add(event.currentTarget.value)}
          onBlur={(event) => add(event.currentTarget.value)}
          aria-label={t("contact.addTag")}
        />
      ) : (
        <Tag
          onClick={() => setAdding(true)}
          style={{ margin: 0, cursor: "pointer", borderStyle: "dashed", background: "none" }}
          icon={<Plus size={11} style={{ marginRight: 3, verticalAlign: -1 }} />}
        >
          {t("contact.addTag")}
        </Tag>
      )}
    </div>
  );
}
