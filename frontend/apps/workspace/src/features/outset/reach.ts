import type { Channel, Contact } from "@switchboard/protocol";

/** By what somebody is addressed on a kind of channel; on others only who wrote before can be written to. */
const SPACES: Record<string, "phone" | "email"> = {
  whatsapp: "phone",
  sms_aliyun: "phone",
  sms_tencent: "phone",
  sms_twilio: "phone",
  sms_smpp: "phone",
  email: "email",
};

const PHONE = /^\+?[\d\s().-]{5,24}$/;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;

/** What somebody typed who is not a contact yet; null when it is neither a number nor an address. */
export function typedAddress(text: string): { space: "phone" | "email"; value: string } | null {
  const value = text.trim();
  if (EMAIL.test(value)) return { space: "email", value };
  return PHONE.test(value) ? { space: "phone", value } : null;
}

/**
 * The address by which a contact would be reached on a channel; null when none is known. A platform's own number for a
 * person belongs to one of our channels, so its space begins with the kind of channel.
 */
export function addressOn(channel: Pick<Channel, "kind">, contact: Contact): string | null {
  const space = SPACES[channel.kind];
  const fits = contact.identities.filter((one) =>
    space ? one.space === space : one.space.split(/[:._]/)[0] === channel.kind,
  );
  const best = fits.find((one) => one.verified) ?? fits[0];
  return best ? best.label || best.value : null;
}

export const reachesTyped = (channel: Pick<Channel, "kind">, space: "phone" | "email"): boolean =>
  SPACES[channel.kind] === space;
