import { Button, Popover } from "antd";
import { Smile } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Bones } from "@switchboard/ui";

const EmojiPanel = lazy(() => import("./emoji-panel").then((m) => ({ default: m.EmojiPanel })));

/** The button stays light; the table of emoji is loaded when it is first opened. */
export function EmojiPopover({ insert }: { insert: (emoji: string) => void }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <Popover
      trigger="click"
      placement="topLeft"
      open={open}
      onOpenChange={setOpen}
      destroyOnHidden
      styles={{ container: { padding: 0 } }}
      content={
        <div style={{ width: 330, height: 340 }}>
          <Suspense fallback={<Bones rows={5} />}>
            <EmojiPanel
              choose={(emoji) => {
                setOpen(false);
                insert(emoji);
              }}
            />
          </Suspense>
        </div>
      }
    >
      <Button
        type="text"
        size="small"
        icon={<Smile size={17} />}
        title={t("composer.emoji")}
        aria-label={t("composer.emoji")}
      />
    </Popover>
  );
}
