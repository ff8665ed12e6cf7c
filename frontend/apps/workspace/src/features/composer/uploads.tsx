import type { StoredFile } from "@switchboard/protocol";
import { useRef, useState, type ClipboardEvent, type DragEvent } from "react";
import { useTranslation } from "react-i18next";
import { uploadFile } from "@/sync/desk";

export interface Upload {
  key: string;
  name: string;
  size: number;
  /** Local picture, until the conversation shows the stored one. */
  preview: string | null;
  file: StoredFile | null;
  stop: AbortController;
}

/** Files on their way into a message: by button, by drag, by paste. */
export function useUploads(fail: (words: string) => void) {
  const { t } = useTranslation();
  const [items, setItems] = useState<Upload[]>([]);
  const [over, setOver] = useState(false);
  const picker = useRef<HTMLInputElement>(null);

  const add = (files: Iterable<File>) => {
    for (const file of files) {
      const upload: Upload = {
        key: crypto.randomUUID(),
        name: file.name,
        size: file.size,
        preview: file.type.startsWith("image/") ? URL.createObjectURL(file) : null,
        file: null,
        stop: new AbortController(),
      };
      setItems((all) => [...all, upload]);
      uploadFile(file, upload.stop.signal).then(
        (stored) => {
          setItems((all) => all.map((u) => (u.key === upload.key ? { ...u, file: stored } : u)));
          if (stored.remark) fail(stored.remark);
        },
        (error: unknown) => {
          setItems((all) => all.filter((u) => u.key !== upload.key));
          if (upload.stop.signal.aborted) return;
          const why =
            error instanceof Error && error.message !== "no answer" ? error.message : t("link.noAnswer");
          fail(t("composer.uploadFailed", { name: file.name, why }));
        },
      );
    }
  };

  const remove = (key: string) => {
    const found = items.find((u) => u.key === key);
    found?.stop.abort();
    if (found?.preview) URL.revokeObjectURL(found.preview);
    setItems((all) => all.filter((u) => u.key !== key));
  };

  const onPaste = (event: ClipboardEvent) => {
    const files = [...event.clipboardData.files];
    if (files.length === 0) return;
    event.preventDefault();
    add(files);
  };

  const carriesFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  const dropTarget = {
    onDragOver: (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: (event: DragEvent) => {
      if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
    },
    onDrop: (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setOver(false);
      add(event.dataTransfer.files);
    },
  };

  return {
    items,
    busy: items.some((u) => u.file === null),
    remove,
    clear: () => setItems([]),
    over,
    onPaste,
    dropTarget,
    choose: () => picker.current?.click(),
    input: (
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        onChange={(event) => {
          add(event.target.files ?? []);
          event.target.value = "";
        }}
      />
    ),
  };
}
