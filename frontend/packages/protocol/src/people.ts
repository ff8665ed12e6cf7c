import type { Exactly, Schemas } from "./schemas";

export type Role = Schemas["NewInvitation"]["role"] & string;
export type PresenceStatus = Schemas["PresenceChoice"]["status"];
export type Locale = "zh-CN" | "en";
export type Theme = "light" | "dark" | "system";

export type Presence = Exactly<Schemas["Presence"], { status: PresenceStatus }>;
export type Agent = Exactly<Schemas["Agent"], { role: Role; theme: Theme; presence: Presence }>;
export type AgentChange = Schemas["AgentChange"];
export type Team = Schemas["Team"];

export type Me = Exactly<
  Schemas["Me"],
  { agent: Exactly<Schemas["Myself"], { role: Role; theme: Theme; presence: Presence }> }
>;
export type Profile = Schemas["Profile"];

export type SessionAnswer = Exactly<Schemas["SignedIn"], { me: Me }>;
export type SessionInfo = Schemas["SessionInfo"];

export type Invitation = Exactly<Schemas["Invitation"], { role: Role }>;
export type InvitationLookup = Schemas["InvitationFound"];

/** `token` stands only in the answer that creates the key. */
export type ApiKey = Schemas["ApiKey"];
export type AuditEntry = Schemas["AuditEntry"];
