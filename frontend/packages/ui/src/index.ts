/** Primitives without data. Colours come from the page's `--c-…` variables. */
export { Avatar } from "./avatar";
export { Blank } from "./blank";
export { Bones } from "./bones";
export { ChannelMark, kindColour } from "./channel-mark";
export { Kbd } from "./kbd";
export { StickerPicture } from "./sticker";
