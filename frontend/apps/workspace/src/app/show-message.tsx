import type { Message } from "@switchboard/protocol";
import { MessageRow } from "@/features/conversation/message";

/** A message outside its conversation: to be read, not to be answered. */
export const showMessage = (message: Message, joined: boolean) => (
  <MessageRow message={message} joined={joined} several flash={false} />
);
