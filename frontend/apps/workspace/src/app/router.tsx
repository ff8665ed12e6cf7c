import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Navigate,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { currentSession } from "@/sync/session";
import { Desk } from "./desk";
import { Failed, NotFound } from "./failed";
import { Shell } from "./shell";

export interface SearchParams {
  q?: string;
  in?: "messages" | "contacts" | "all";
  channel?: string;
  from?: string;
  to?: string;
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" || typeof value === "number" ? String(value) : undefined;

const root = createRootRoute({ component: Outlet, errorComponent: Failed, notFoundComponent: NotFound });

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (raw: Record<string, unknown>): { next?: string } => ({ next: text(raw.next) }),
  component: lazyRouteComponent(() => import("@/features/session/sign-in"), "SignIn"),
});

const invitation = createRoute({
  getParentRoute: () => root,
  path: "/invitations/accept",
  validateSearch: (raw: Record<string, unknown>): { token?: string } => ({ token: text(raw.token) }),
  component: lazyRouteComponent(() => import("@/features/session/accept"), "AcceptInvitation"),
});

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  beforeLoad: async ({ location }) => {
    if (!(await currentSession())) throw redirect({ to: "/sign-in", search: { next: location.href } });
  },
});

const home = createRoute({
  getParentRoute: () => inside,
  path: "/",
  component: () => <Navigate to="/desk/$view" params={{ view: "mine" }} replace />,
});

const desk = createRoute({ getParentRoute: () => inside, path: "/desk/$view", component: Desk });

const conversation = createRoute({
  getParentRoute: () => desk,
  path: "$id",
  validateSearch: (raw: Record<string, unknown>): { at?: number } => ({
    at: Number.isFinite(Number(raw.at)) && raw.at !== undefined ? Number(raw.at) : undefined,
  }),
});

const search = createRoute({
  getParentRoute: () => inside,
  path: "/search",
  validateSearch: (raw: Record<string, unknown>): SearchParams => ({
    q: text(raw.q),
    in: (["messages", "contacts", "all"] as const).find((x) => x === raw.in),
    channel: text(raw.channel),
    from: text(raw.from),
    to: text(raw.to),
  }),
  component: lazyRouteComponent(() => import("@/features/search/page"), "SearchPage"),
});

const contacts = createRoute({
  getParentRoute: () => inside,
  path: "/contacts",
  component: lazyRouteComponent(() => import("./contacts"), "Contacts"),
});

const contact = createRoute({ getParentRoute: () => contacts, path: "$id" });

const profile = createRoute({
  getParentRoute: () => inside,
  path: "/profile",
  component: lazyRouteComponent(() => import("@/features/profile/page"), "ProfilePage"),
});

const admin = createRoute({
  getParentRoute: () => inside,
  path: "/admin",
  component: lazyRouteComponent(() => import("./admin"), "AdminFrame"),
});

const page = <P extends string>(path: P, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => admin, path, component });

const adminPages = [
  page(
    "channels",
    lazyRouteComponent(() => import("@/features/channels/page"), "ChannelsPage"),
  ),
  page(
    "channels/new/$kind",
    lazyRouteComponent(() => import("@/features/channels/connect"), "ConnectPage"),
  ),
  page(
    "channels/$id",
    lazyRouteComponent(() => import("@/features/channels/connection"), "ConnectionPage"),
  ),
  page(
    "dead-letters",
    lazyRouteComponent(() => import("@/features/channels/dead-letters"), "DeadLettersPage"),
  ),
  page(
    "people",
    lazyRouteComponent(() => import("@/features/people/page"), "PeoplePage"),
  ),
  page(
    "teams",
    lazyRouteComponent(() => import("@/features/people/teams"), "TeamsPage"),
  ),
  page(
    "keys",
    lazyRouteComponent(() => import("@/features/people/keys"), "KeysPage"),
  ),
  page(
    "audit",
    lazyRouteComponent(() => import("@/features/people/audit"), "AuditPage"),
  ),
] as const;

export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    invitation,
    inside.addChildren([
      home,
      desk.addChildren([conversation]),
      search,
      contacts.addChildren([contact]),
      profile,
      admin.addChildren(adminPages),
    ]),
  ]),
  defaultPreload: "intent",
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
