import type { StickerPack } from "@switchboard/protocol";
import { StickerPicture } from "@switchboard/ui";
import { useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { COLUMNS, moved, stickersOf } from "./stickers";
import css from "./sticker.module.css";

interface Props {
  packs: StickerPack[];
  /** Where a sticker's picture is. */
  picture: (key: string) => string;
  choose: (key: string) => void;
  close: () => void;
}

/** The stickers that a platform lets us send, pack by pack; arrow keys walk through all of them. */
export function StickerPanel({ packs, picture, choose, close }: Props) {
  const { t } = useTranslation();
  const [at, setAt] = useState(0);
  const all = stickersOf(packs);
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
      return;
    }
    const next = moved(at, event.key, all.length);
    if (next === null) return;
    event.preventDefault();
    setAt(next);
    event.currentTarget.querySelectorAll("button")[next]?.focus();
  };
  return (
    <div className={css.panel} role="group" aria-label={t("composer.stickers")} onKeyDown={onKeyDown}>
      {packs.map((pack) => (
        <section key={pack.id} aria-label={pack.title}>
          <div className={css.title}>
            <span className="truncate">{pack.title}</span>
            <small>{pack.id}</small>
          </div>
          <div className={css.grid} style={{ gridTemplateColumns: `repeat(${COLUMNS}, 1fr)` }}>
            {all.map(
              (sticker, index) =>
                sticker.pack === pack && (
                  <button
                    key={sticker.key}
                    type="button"
                    className={css.sticker}
                    tabIndex={index === at ? 0 : -1}
                    autoFocus={index === 0}
                    aria-label={t("composer.sticker", { number: sticker.number, pack: pack.title })}
                    onFocus={() => setAt(index)}
                    onClick={() => choose(sticker.key)}
                  >
                    <StickerPicture
                      src={picture(sticker.key)}
                      number={sticker.number}
                      words={pack.title}
                      size={60}
                    />
                  </button>
                ),
            )}
          </div>
        </section>
      ))}
    </div>
  );
}
