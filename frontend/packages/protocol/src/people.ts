import type { Id, Instant } from "./index";

export type Role = "agent" | "supervisor" | "administrator";
export type PresenceStatus = "online" | "busy" | "offline";
export type Locale = "zh-CN" | "en";
export type Theme = "light" | "dark" | "system";

export interface Presence {
  status: PresenceStatus;
  /** Open conversations held now. */
  load: number;
  /** Conversations held at most. */
  capacity: number;
}

export interface Agent {
  id: Id;
  name: string;
  email: string;
  role: Role;
  team_ids: Id[];
  locale: string;
  theme: Theme;
  disabled: boolean;
  presence: Presence;
}

export interface Team {
  id: Id;
  name: string;
  member_ids: Id[];
}

export interface Me {
  agent: Agent & { settings?: Record<string, unknown> };
  workspace: { id: Id; name: string; locale: string; time_zone: string };
  workspaces: { id: Id; name: string }[];
  permissions: string[];
}

export interface SessionAnswer {
  csrf: string;
  me: Me;
  /** Only given to requests without an Origin header. */
  token?: string;
}

export interface SessionInfo {
  id: Id;
  created_at: Instant;
  last_seen_at: Instant | null;
  address: string | null;
  user_agent: string | null;
  current: boolean;
}

export interface Invitation {
  id: Id;
  email: string;
  name?: string;
  role: Role;
  link: string;
  expires_at: Instant;
}

export interface InvitationLookup {
  email: string;
  name: string;
  workspace_name: string;
}

export interface ApiKey {
  id: Id;
  name: string;
  scopes: string[];
  created_at: Instant;
  last_used_at: Instant | null;
  /** Only in the answer that creates it. */
  token?: string;
}

export interface AuditEntry {
  id: Id;
  at: Instant;
  actor_name: string | null;
  action: string;
  target: string | null;
  detail: unknown;
}
