import { EmojiPicker, type EmojiData } from "frimousse";
import { useTranslation } from "react-i18next";
import css from "./emoji.module.css";

interface Entry {
  unicode: string;
  label: string;
  tags?: string[];
  group?: number;
  order?: number;
}

/** Groups of the emoji table; 2 holds skin tones and is not shown. */
interface Messages {
  groups: { key: string; message: string; order: number }[];
}

const SKIN_GROUP = 2;

async function table(locale: string): Promise<EmojiData> {
  const zh = locale.startsWith("zh");
  const [entries, messages] = (await (zh
    ? Promise.all([import("emojibase-data/zh/compact.json"), import("emojibase-data/zh/messages.json")])
    : Promise.all([
        import("emojibase-data/en/compact.json"),
        import("emojibase-data/en/messages.json"),
      ]))) as unknown as [{ default: Entry[] }, { default: Messages }];
  return {
    locale: zh ? "zh" : "en",
    emojis: entries.default
      .filter((e) => e.group !== undefined && e.group !== SKIN_GROUP)
      .sort((a, b) => (a.order ?? 0) - (b.order ?? 0))
      .map((e) => ({
        emoji: e.unicode,
        category: e.group ?? 0,
        label: e.label,
        version: 1,
        tags: e.tags ?? [],
      })),
    categories: messages.default.groups
      .filter((g) => g.order !== SKIN_GROUP)
      .map((g) => ({ index: g.order, label: g.message.charAt(0).toUpperCase() + g.message.slice(1) })),
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
