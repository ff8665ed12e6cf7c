/** Asks for the dialog by which somebody is written to first; any screen may. */
import { create } from "zustand";

export interface OutsetRequest {
  contactId?: string;
  channelId?: string;
  /** By what the contact is reached on that channel, where the server has said so. */
  address?: string;
  /** Begin with a template: the platform takes nothing else now. */
  template?: boolean;
}

export const useOutset = create<{ request: OutsetRequest | null }>(() => ({ request: null }));
export const openOutset = (request: OutsetRequest = {}) => useOutset.setState({ request });
export const closeOutset = () => useOutset.setState({ request: null });
