import type { ReplyChannel } from "@switchboard/protocol";
import { Bones } from "@switchboard/ui";
import { Button, Popover } from "antd";
import { Sticker } from "lucide-react";
import { lazy, Suspense, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { stickerPicture, useStickerPacks } from "@/sync/channels";

const StickerPanel = lazy(() => import("./sticker-panel").then((m) => ({ default: m.StickerPanel })));

interface Props {
  channel: ReplyChannel;
  /** Nothing can be sent now. */
  disabled: boolean;
  send: (key: string) => void;
}

/** A button where the reply channel sends stickers of the platform's own; what is picked leaves at once. */
export function StickerPopover({ channel, disabled, send }: Props) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const packs = useStickerPacks(channel.kind);
  if (packs.length === 0) return null;
  return (
    <Popover
      trigger="click"
      placement="topLeft"
      open={open && !disabled}
      onOpenChange={setOpen}
      destroyOnHidden
      styles={{ container: { padding: 0 } }}
      content={
        <div style={{ width: 330, height: 340 }}>
          <Suspense fallback={<Bones rows={5} />}>
            <StickerPanel
              packs={packs}
              picture={(key) => stickerPicture(channel.channel_id, key)}
              choose={(key) => {
                setOpen(false);
                send(key);
              }}
              close={() => {
                setOpen(false);
                button.current?.focus();
              }}
            />
          </Suspense>
        </div>
      }
    >
      <Button
        ref={button}
        type="text"
        size="small"
        disabled={disabled}
        icon={<Sticker size={17} />}
        title={t("composer.stickers")}
        aria-label={t("composer.stickers")}
      />
    </Popover>
  );
}
