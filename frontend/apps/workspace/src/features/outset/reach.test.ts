import type { Contact } from "@switchboard/protocol";
import { describe, expect, it } from "vitest";
import { addressOn, reachesTyped, typedAddress } from "./reach";

const identity = (space: string, value: string, verified = false) => ({
  id: value,
  space,
  value,
  label: "",
  verified,
});
const contact = {
  identities: [
    identity("phone", "+4915100"),
    identity("phone", "+4915111", true),
    identity("telegram:123", "77"),
    identity("email", "lin@shop.example"),
  ],
} as unknown as Contact;

describe("reach", () => {
  it("prefers the verified number, and finds a platform's own", () => {
    expect(addressOn({ kind: "whatsapp" }, contact)).toBe("+4915111");
    expect(addressOn({ kind: "telegram" }, contact)).toBe("77");
    expect(addressOn({ kind: "email" }, contact)).toBe("lin@shop.example");
    expect(addressOn({ kind: "web" }, contact)).toBeNull();
  });

  it("knows numbers and addresses from names", () => {
    expect(typedAddress(" +49 151 (00) 12 ")?.space).toBe("phone");
    expect(typedAddress("lin@shop.example")?.space).toBe("email");
    expect(typedAddress("Lin Wei")).toBeNull();
    expect(reachesTyped({ kind: "whatsapp" }, "phone")).toBe(true);
    expect(reachesTyped({ kind: "telegram" }, "phone")).toBe(false);
  });
});
