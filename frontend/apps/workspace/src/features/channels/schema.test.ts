import type { ConfigSchema } from "@switchboard/protocol";
import { describe, expect, it } from "vitest";
import { fieldsOf, filled, initialValues, secretSet } from "./schema";

const schema: ConfigSchema = {
  $ref: "#/$defs/Mail",
  $defs: {
    Mail: {
      type: "object",
      required: ["address", "imap"],
      properties: {
        address: { type: "string", title: "Address", "x-title-zh": "邮箱地址" },
        imap: { $ref: "#/$defs/Imap" },
        site_key: { type: "string", "x-generated": true },
        languages: { type: "array", items: { enum: ["en", "zh"] } },
        greeting: { type: "string", "x-lines": 4 },
        signature: { anyOf: [{ type: "string" }, { type: "null" }], default: null },
        folders: { type: "array", items: { type: "string" }, default: ["INBOX"] },
      },
    },
    Imap: {
      title: "IMAP",
      type: "object",
      required: ["host", "password"],
      properties: {
        host: { type: "string" },
        port: { type: "integer", default: 993 },
        tls: { enum: ["tls", "starttls"], default: "tls" },
        password: { type: "string", "x-secret": true },
      },
    },
  },
};

describe("the form of a channel", () => {
  const fields = fieldsOf(schema);

  it("follows references and groups nested settings", () => {
    expect(fields.map((f) => [f.path.join("."), f.type, f.required])).toEqual([
      ["address", "text", true],
      ["imap.host", "text", true],
      ["imap.port", "number", false],
      ["imap.tls", "choice", false],
      ["imap.password", "secret", true],
      ["site_key", "text", false],
      ["languages", "list", false],
      ["greeting", "long", false],
      ["signature", "text", false],
      ["folders", "list", false],
    ]);
    expect(fields.filter((f) => f.generated).map((f) => f.path[0])).toEqual(["site_key"]);
    expect(fields.find((f) => f.path[0] === "languages")?.options).toEqual(["en", "zh"]);
    expect(fields[1]?.group?.en).toBe("IMAP");
    expect(fields[0]?.title.zh).toBe("邮箱地址");
  });

  it("starts with the schema's own values, or with what is stored, never with a secret", () => {
    expect(initialValues(fields, undefined)).toEqual({ imap: { port: 993, tls: "tls" }, folders: ["INBOX"] });
    const stored = {
      address: "a@example.com",
      imap: { host: "h", port: 143, password: "never", password_set: true },
    };
    expect(initialValues(fields, stored)).toEqual({
      address: "a@example.com",
      imap: { host: "h", port: 143 },
    });
    expect(secretSet(stored, ["imap", "password"])).toBe(true);
    expect(secretSet(stored, ["imap", "host"])).toBe(false);
  });

  it("sends no empty text and no untouched secret", () => {
    expect(
      filled(fields, { address: " a@example.com ", imap: { host: "h", password: "" }, signature: "" }),
    ).toEqual({
      address: "a@example.com",
      imap: { host: "h" },
    });
  });
});
