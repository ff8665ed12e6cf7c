import type { Id, MediaPart } from "@switchboard/protocol";
import { StickerPicture } from "@switchboard/ui";
import { Image } from "antd";
import { Download, FileText, FileWarning, ImageOff, LoaderCircle } from "lucide-react";
import { useState, type CSSProperties } from "react";
import { useTranslation } from "react-i18next";
import { fileSize } from "@/lib/text";
import { playTime } from "@/lib/time";
import { stickerPicture } from "@/sync/channels";
import css from "./conversation.module.css";
import { Words } from "./words";

/** Largest picture in the timeline, pixels. */
const WIDE = 320;
const HIGH = 260;

function boxOf(part: MediaPart): { width: number; height: number } {
  const { width, height } = part.file ?? {};
  if (!width || !height) return { width: 240, height: 180 };
  const scale = Math.min(1, WIDE / width, HIGH / height);
  return { width: Math.max(72, Math.round(width * scale)), height: Math.max(48, Math.round(height * scale)) };
}

export function Gallery({ pictures }: { pictures: MediaPart[] }) {
  const captions = pictures.map((p) => p.caption).filter((c): c is string => Boolean(c));
  const columns = pictures.length === 2 || pictures.length === 4 ? 2 : 3;
  return (
    <>
      {pictures.length === 1 && pictures[0] ? (
        <Picture part={pictures[0]} box={boxOf(pictures[0])} />
      ) : (
        <div className={css.gallery} style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 132px))` }}>
          {pictures.map((part, i) => (
            <Picture key={part.file?.id ?? i} part={part} box={SQUARE} />
          ))}
        </div>
      )}
      {captions.map((caption) => (
        <Words key={caption} text={caption} />
      ))}
    </>
  );
}

const SQUARE = { width: "100%", aspectRatio: "1" };

function Picture({ part, box }: { part: MediaPart; box: CSSProperties }) {
  const { t } = useTranslation();
  const [broken, setBroken] = useState(false);
  if (broken || !part.file)
    return (
      <div className={css.brokenPicture} style={box}>
        <ImageOff size={22} />
        {t("media.gone")}
      </div>
    );
  return (
    <Image
      src={part.file.url}
      alt={part.caption || part.file.name}
      loading="lazy"
      onError={() => setBroken(true)}
      styles={{
        root: { ...box, maxWidth: "100%", display: "block" },
        image: { width: "100%", height: "100%", objectFit: "cover", borderRadius: 6 },
        cover: { borderRadius: 6 },
      }}
    />
  );
}

export function Media({ part, channel }: { part: MediaPart; channel: Id | null }) {
  const { t } = useTranslation();
  const name = part.file?.name ?? part.name ?? t("message.file");
  if (part.state === "fetching")
    return (
      <div className={css.card}>
        <LoaderCircle size={18} className={css.turning} />
        <span className={css.lines}>
          <span>{t("media.fetching")}</span>
          <small>{name}</small>
        </span>
      </div>
    );
  if (!part.file && part.key && channel)
    return (
      <StickerPicture
        src={stickerPicture(channel, part.key)}
        number={part.key}
        words={t("media.sticker")}
        size={120}
      />
    );
  if (part.state === "failed" || !part.file)
    return (
      <div className={css.unsupported}>
        <FileWarning size={16} />
        <span className={css.lines}>
          <span>{t("media.failed", { name })}</span>
          <small>{part.error || t("media.failedHint")}</small>
        </span>
      </div>
    );
  return (
    <>
      <Player part={part} name={name} />
      {part.caption && <Words text={part.caption} />}
    </>
  );
}

function Player({ part, name }: { part: MediaPart; name: string }) {
  const { t } = useTranslation();
  const file = part.file;
  if (!file) return null;
  const seconds = file.duration || part.duration;
  switch (part.type) {
    case "sticker":
      return file.mime.startsWith("video/") ? (
        <video src={file.url} width={120} height={120} autoPlay loop muted playsInline />
      ) : (
        <img
          src={file.url}
          alt={t("media.sticker")}
          width={120}
          height={120}
          loading="lazy"
          style={{ objectFit: "contain" }}
        />
      );
    case "audio":
      return (
        <div className={css.audio}>
          <audio controls preload="metadata" src={file.url} />
          {seconds ? <small className="muted">{playTime(seconds)}</small> : null}
        </div>
      );
    case "video":
      return <video className={css.video} controls preload="metadata" src={file.url} style={boxOf(part)} />;
    default:
      return (
        <a className={css.card} href={file.url} target="_blank" rel="noreferrer" download={name}>
          <FileText size={22} />
          <span className={css.lines}>
            <span>{name}</span>
            <small>{fileSize(file.size)}</small>
          </span>
          <Download size={14} />
        </a>
      );
  }
}
