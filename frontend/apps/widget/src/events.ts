/** What the host page may listen to. */
import type { Message } from "./wire";

export interface Events {
  ready: { online: boolean };
  open: undefined;
  close: undefined;
  message: Message;
  unread: number;
}
