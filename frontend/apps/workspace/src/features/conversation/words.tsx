import { linkRuns } from "@/lib/text";
import css from "./conversation.module.css";

export function Words({ text, large = false }: { text: string; large?: boolean }) {
  return (
    <div className={css.text} data-large={large || undefined}>
      {linkRuns(text).map((run, i) =>
        run.href ? (
          <a key={i} href={run.href} target="_blank" rel="noreferrer noopener">
            {run.text}
          </a>
        ) : (
          run.text
        ),
      )}
    </div>
  );
}
