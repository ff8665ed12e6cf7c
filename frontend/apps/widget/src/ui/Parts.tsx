import { useState } from "preact/hooks";
import { safeUrl, segments } from "../links";
import type { ChoicesPart, LocationPart, MediaPart, Part, StoredFile } from "../wire";
import { fileSize, type Say } from "../words";
import { useDesk } from "./desk";
import { FileIcon, PinIcon } from "./icons";

interface PartProps {
  part: Part;
  /** the ids of the buttons that the visitor has pressed since */
  chosen: ReadonlySet<string>;
  onPicture: (file: StoredFile) => void;
}

export function PartView({ part, chosen, onPicture }: PartProps) {
  const { say } = useDesk();
  switch (part.type) {
    case "text":
      return <Text text={part.text} />;
    case "image":
    case "sticker":
    case "audio":
    case "video":
    case "file":
      return <Media part={part} onPicture={onPicture} />;
    case "choices":
      return <Choices part={part} chosen={chosen} />;
    case "choice":
      return <p class="text">{part.title || part.id}</p>;
    case "link":
      return (
        <p class="text">
          {part.title && <strong>{part.title}</strong>} <Address href={safeUrl(part.url)} text={part.url} />
          {part.description && <small>{part.description}</small>}
        </p>
      );
    case "location":
      return <Place part={part} />;
    default:
      return <Text text={summary([part], say)} />;
  }
}

function Text({ text }: { text: string }) {
  return (
    <p class="text">
      {segments(text).map((segment, index) =>
        segment.href ? <Address key={index} href={segment.href} text={segment.text} /> : segment.text,
      )}
    </p>
  );
}

function Address({ href, text }: { href: string | null; text: string }) {
  if (!href) return <>{text}</>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {text}
    </a>
  );
}

function Media({ part, onPicture }: { part: MediaPart; onPicture: (file: StoredFile) => void }) {
  const { chat, say } = useDesk();
  const [broken, setBroken] = useState("");
  const { file } = part;
  if (!file) {
    return <p class="text muted">{say(part.state === "failed" ? "lost" : "fetching")}</p>;
  }
  const caption = part.caption && <Text text={part.caption} />;
  const url = file.url && chat.api.address(file.url);
  // The page's policy may forbid foreign pictures: the chip with its link remains.
  if ((part.type === "image" || part.type === "sticker") && url && broken !== url) {
    return (
      <>
        <button
          type="button"
          class={part.type === "sticker" ? "picture sticker" : "picture"}
          aria-label={`${say("image")} ${file.name}`}
          onClick={() => onPicture(file)}
        >
          <img
            src={url}
            alt={part.caption ?? file.name}
            width={file.width ?? undefined}
            height={file.height ?? undefined}
            onError={() => setBroken(url)}
          />
        </button>
        {caption}
      </>
    );
  }
  if (part.type === "audio" && url) return <audio class="player" controls preload="metadata" src={url} />;
  if (part.type === "video" && url) {
    return (
      <>
        <video class="player" controls preload="metadata" src={url} />
        {caption}
      </>
    );
  }
  return (
    <>
      <FileChip file={file} url={url} />
      {caption}
    </>
  );
}

function FileChip({ file, url }: { file: StoredFile; url: string }) {
  const inside = (
    <>
      <span class="file-mark">
        <FileIcon size={20} />
      </span>
      <span class="file-words">
        <b>{file.name}</b>
        <small>{fileSize(file.size)}</small>
      </span>
    </>
  );
  if (!url || url.startsWith("blob:")) return <span class="file">{inside}</span>;
  return (
    <a class="file" href={url} target="_blank" rel="noopener noreferrer">
      {inside}
    </a>
  );
}

function Choices({ part, chosen }: { part: ChoicesPart; chosen: ReadonlySet<string> }) {
  const { chat } = useDesk();
  const answered = part.buttons.some((button) => chosen.has(button.id));
  return (
    <>
      {part.text && <Text text={part.text} />}
      <div class="choices">
        {part.buttons.map((button) => {
          const url = button.url && safeUrl(button.url);
          return url ? (
            <a key={button.id} class="choice" href={url} target="_blank" rel="noopener noreferrer">
              {button.title}
            </a>
          ) : (
            <button
              key={button.id}
              type="button"
              class="choice"
              disabled={answered}
              aria-pressed={chosen.has(button.id)}
              onClick={() => chat.choose(button.id, button.title)}
            >
              {button.title}
            </button>
          );
        })}
      </div>
    </>
  );
}

function Place({ part }: { part: LocationPart }) {
  const { say } = useDesk();
  const where = `${part.latitude},${part.longitude}`;
  return (
    <a class="file" href={`geo:${where}`}>
      <span class="file-mark">
        <PinIcon size={20} />
      </span>
      <span class="file-words">
        <b>{part.name || say("location")}</b>
        <small>{part.address || where}</small>
      </span>
    </a>
  );
}

/** One line for the card beside the closed launcher and for parts that we can only name. */
export function summary(parts: readonly Part[], say: Say): string {
  const part = parts[0];
  if (!part) return "";
  if (part.type === "text" || part.type === "choices") return part.text;
  if (part.type === "choice") return part.title || part.id;
  if (part.type === "image" || part.type === "sticker") return part.caption || `[${say("image")}]`;
  if ("file" in part) return part.caption || part.file?.name || part.name || say("fetching");
  if (part.type === "location") return part.name || say("location");
  if (part.type === "link") return part.title || part.url;
  if (part.type === "contact") return [part.name, ...(part.phones ?? []), ...(part.emails ?? [])].join("\n");
  const words = "text" in part ? part.text : part.type === "product" && part.title;
  return words || say("unsupported");
}
