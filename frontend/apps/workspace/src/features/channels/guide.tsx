import type { Kind } from "@switchboard/protocol";
import { ExternalLink } from "lucide-react";
import Markdown from "react-markdown";
import { useTranslation } from "react-i18next";
import tables from "remark-gfm";
import { bilingual } from "@/lib/i18n";
import css from "./channels.module.css";

/** The adapter's own instructions, beside the form. */
export function Guide({ kind }: { kind: Kind }) {
  const { t, i18n } = useTranslation();
  return (
    <aside className={css.guide}>
      <div className={css.guideHead}>
        <b>{t("channels.guide")}</b>
        {kind.docs_url && (
          <a href={kind.docs_url} target="_blank" rel="noreferrer">
            {t("channels.docs")} <ExternalLink size={12} />
          </a>
        )}
      </div>
      <div className={css.markdown}>
        <Markdown
          remarkPlugins={[tables]}
          components={{
            a: ({ href, children }) => (
              <a href={href} target="_blank" rel="noreferrer">
                {children}
              </a>
            ),
          }}
        >
          {bilingual(kind.guide, i18n.language)}
        </Markdown>
      </div>
    </aside>
  );
}
