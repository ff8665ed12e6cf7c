/** Which stickers there are, and how arrow keys walk through them. */
import type { StickerPack } from "@switchboard/protocol";

/** Fits packs of 24 and of 40 without a gap, so that up and down stay in their column from pack to pack. */
export const COLUMNS = 4;

export interface ListedSticker {
  key: string;
  number: string;
  pack: StickerPack;
}

export const stickersOf = (packs: StickerPack[]): ListedSticker[] =>
  packs.flatMap((pack) =>
    Array.from({ length: pack.last - pack.first + 1 }, (_, i) => {
      const number = String(pack.first + i);
      return { key: `${pack.id}:${number}`, number, pack };
    }),
  );

/** Where a key leads; null when it is none of ours. */
export function moved(at: number, key: string, count: number): number | null {
  const steps: Record<string, number> = {
    ArrowRight: 1,
    ArrowLeft: -1,
    ArrowDown: COLUMNS,
    ArrowUp: -COLUMNS,
    Home: -count,
    End: count,
  };
  const step = steps[key];
  return step === undefined ? null : Math.max(0, Math.min(count - 1, at + step));
}
