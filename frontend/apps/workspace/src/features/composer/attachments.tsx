import { FileText, LoaderCircle, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { fileSize } from "@/lib/text";
import css from "./composer.module.css";
import type { Upload } from "./uploads";

export function Attachments({ items, remove }: { items: Upload[]; remove: (key: string) => void }) {
  const { t } = useTranslation();
  if (items.length === 0) return null;
  return (
    <div className={css.attachments}>
      {items.map((u) => (
        <div key={u.key} className={css.attachment} data-busy={u.file === null || undefined}>
          {u.preview ? <img src={u.preview} alt="" /> : <FileText size={20} />}
          <span className={css.fileName}>
            <span className="truncate">{u.name}</span>
            <small className="faint">{u.file ? fileSize(u.size) : t("composer.uploading")}</small>
          </span>
          {u.file === null && <LoaderCircle size={14} className={css.turning} />}
          <button
            type="button"
            className="plain"
            onClick={() => remove(u.key)}
            aria-label={t("composer.remove", { name: u.name })}
          >
            <X size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
