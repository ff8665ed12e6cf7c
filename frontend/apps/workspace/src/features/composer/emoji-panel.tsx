import { EmojiPicker, type EmojiData } from "frimousse";
import i18next from "i18next";
import { useTranslation } from "react-i18next";
import { composing } from "@/lib/ime";
import css from "./emoji.module.css";

interface Entry {
  unicode: string;
  label: string;
  tags?: string[];
  group?: number;
  order?: number;
}

/** Numbers of the table's groups; 2 holds skin tones and is not shown. */
const GROUPS = {
  0: "smileys",
  1: "people",
  3: "nature",
  4: "food",
  5: "travel",
  6: "activities",
  7: "objects",
  8: "symbols",
  9: "flags",
} as const;

async function entries(zh: boolean): Promise<Entry[]> {
  const table = await (zh
    ? import("emojibase-data/zh/compact.json")
    : import("emojibase-data/en/compact.json"));
  return table.default as Entry[];
}

async function table(locale: string): Promise<EmojiData> {
  const all = await entries(locale.startsWith("zh"));
  return {
    locale,
    emojis: all
      .filter((e) => e.group !== undefined && e.group in GROUPS)
      .sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
      .map((e) => ({
        emoji: e.unicode,
        category: e.group ?? 0,
        label: e.label,
        version: 1,
        tags: e.tags ?? [],
      })),
    categories: Object.entries(GROUPS).map(([index, name]) => ({
      index: Number(index),
      label: i18next.t(`emoji.${name}`),
    })),
    skinTones: { dark: "", "medium-dark": "", medium: "", "medium-light": "", light: "" },
  };
}

export function EmojiPanel({ choose }: { choose: (emoji: string) => void }) {
  const { t, i18n } = useTranslation();
  return (
    <EmojiPicker.Root
      className={css.root}
      columns={9}
      locale={i18n.language.startsWith("zh") ? "zh" : "en"}
      resolveEmojiData={table}
      onEmojiSelect={({ emoji }) => choose(emoji)}
      onKeyDownCapture={(event) => {
        // An Enter of the input method confirms a word, not an emoji.
        if (composing(event.nativeEvent)) event.stopPropagation();
      }}
    >
      <EmojiPicker.Search className={css.search} placeholder={t("composer.findEmoji")} autoFocus />
      <EmojiPicker.Viewport className={css.viewport}>
        <EmojiPicker.Loading className={css.state}>{t("composer.loading")}</EmojiPicker.Loading>
        <EmojiPicker.Empty className={css.state}>{t("composer.noEmoji")}</EmojiPicker.Empty>
        <EmojiPicker.List
          components={{
            CategoryHeader: ({ category, ...props }) => (
              <div {...props} className={css.category}>
                {category.label}
              </div>
            ),
            Row: (props) => <div {...props} className={css.row} />,
            Emoji: ({ emoji, ...props }) => (
              <button
                {...props}
                type="button"
                className={css.emoji}
                data-active={emoji.isActive || undefined}
                title={emoji.label}
              >
                {emoji.emoji}
              </button>
            ),
          }}
        />
      </EmojiPicker.Viewport>
    </EmojiPicker.Root>
  );
}
