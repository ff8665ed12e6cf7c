import { Kbd } from "@switchboard/ui";
import { useNavigate } from "@tanstack/react-router";
import { Input, Modal } from "antd";
import { Search } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { allCommands, keyLabel, useCommandList, type Command } from "@/lib/commands";
import css from "./commands.module.css";

/** Words that fit in any order; an empty search fits all. */
export function fits(command: Pick<Command, "title" | "section">, search: string): boolean {
  const text = `${command.section} ${command.title}`.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

export function Palette({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const owners = useCommandList((s) => s.owners);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const shown = useMemo(() => {
    const found = allCommands(owners).filter((c) => !c.hidden && !c.disabled && fits(c, text));
    const q = text.trim();
    if (!q) return found;
    const search: Command = {
      id: "search-for",
      section: t("commands.go"),
      title: t("commands.searchFor", { text: q }),
      run: () => void navigate({ to: "/search", search: { q } }),
    };
    return [...found, search];
  }, [owners, text, t, navigate]);
  const chosen = Math.min(at, shown.length - 1);
  const run = (command: Command | undefined) => {
    close();
    // After the overlay is gone, so that a command may put the focus where it wants.
    if (command) setTimeout(command.run, 0);
  };
  return (
    <Modal
      open
      footer={null}
      closable={false}
      onCancel={close}
      centered={false}
      style={{ top: 90 }}
      width={560}
      styles={{ container: { padding: 0 } }}
    >
      <Input
        autoFocus
        variant="borderless"
        size="large"
        prefix={<Search size={16} className="faint" />}
        value={text}
        placeholder={t("commands.type")}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return;
          if (event.key === "ArrowDown") setAt(Math.min(chosen + 1, shown.length - 1));
          else if (event.key === "ArrowUp") setAt(Math.max(chosen - 1, 0));
          else if (event.key === "Enter") run(shown[chosen]);
          else return;
          event.preventDefault();
        }}
        className={css.input}
      />
      <List shown={shown} chosen={chosen} run={run} hover={setAt} />
    </Modal>
  );
}

interface ListProps {
  shown: Command[];
  chosen: number;
  run: (command: Command) => void;
  hover: (index: number) => void;
}

function List({ shown, chosen, run, hover }: ListProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Braces: newer browsers answer scrollIntoView with a promise, which is no clean-up function.
    void box.current?.querySelector("[data-chosen]")?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return (
    <div ref={box} className={css.list} role="listbox">
      {shown.map((command, i) => (
        <button
          key={command.id}
          type="button"
          role="option"
          aria-selected={i === chosen}
          className={css.command}
          data-chosen={i === chosen || undefined}
          onMouseMove={() => hover(i)}
          onClick={() => run(command)}
        >
          <span className="faint">{command.section}</span>
          <span className="truncate">{command.title}</span>
          {command.key && <Kbd>{keyLabel(command.key)}</Kbd>}
        </button>
      ))}
    </div>
  );
}
