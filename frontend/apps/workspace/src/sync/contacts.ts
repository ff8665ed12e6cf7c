/** People: found, changed, written to first, made one. */
import type {
  Contact,
  ContactChange,
  Conversation,
  Id,
  Merged,
  MergeSuggestion,
  Message,
  NewContact,
  Outset,
  Page,
  Started,
} from "@switchboard/protocol";
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { keepRow } from "./live/timelines";
import { get, patch, post } from "./rest";
import { queries } from "./session";

const PAGE = 50;

export const useContact = (id: Id | undefined) =>
  useQuery({
    queryKey: ["contact", id],
    enabled: Boolean(id),
    queryFn: () => get<Contact>(`/contacts/${id}`),
  });

/** All contacts, the last seen first, or those that fit some words. */
export const useContacts = (q: string, enabled = true) =>
  useInfiniteQuery({
    queryKey: ["contacts", q],
    enabled,
    placeholderData: keepPreviousData,
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      get<Page<Contact>>("/contacts", { q, cursor: pageParam, limit: PAGE }, signal),
    getNextPageParam: (page) => page.next,
  });

export const useCreateContact = () =>
  useMutation({
    mutationFn: (contact: NewContact) => post<Contact>("/contacts", contact),
    onSuccess: (contact) => {
      queries.setQueryData(["contact", contact.id], contact);
      void queries.invalidateQueries({ queryKey: ["contacts"] });
    },
  });

/** Latest first, page by page into the past. */
export const useContactTimeline = (id: Id) =>
  useInfiniteQuery({
    queryKey: ["contact", id, "timeline"],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      get<Page<Message>>(`/contacts/${id}/timeline`, { before: pageParam, limit: PAGE }),
    getNextPageParam: (page) => page.next,
  });

export const useContactConversations = (id: Id | undefined) =>
  useQuery({
    queryKey: ["contact", id, "conversations"],
    enabled: Boolean(id),
    queryFn: async () => (await get<Page<Conversation>>(`/contacts/${id}/conversations`)).items,
  });

export const useSuggestions = (id: Id | undefined) =>
  useQuery({
    queryKey: ["contact", id, "suggestions"],
    enabled: Boolean(id),
    queryFn: async () => (await get<Page<MergeSuggestion>>(`/contacts/${id}/suggestions`)).items,
  });

export const useChangeContact = (id: Id) =>
  useMutation({
    mutationFn: (change: ContactChange) => patch<Contact>(`/contacts/${id}`, change),
    onSuccess: (contact) => {
      queries.setQueryData(["contact", id], contact);
      void queries.invalidateQueries({ queryKey: ["contacts"] });
      void queries.invalidateQueries({ queryKey: ["conversation"] });
    },
  });

const afterMerge = () =>
  Promise.all(
    ["contact", "contacts", "conversation"].map((key) => queries.invalidateQueries({ queryKey: [key] })),
  );

export const useMerge = (id: Id) =>
  useMutation({
    mutationFn: (other: Id) => post<Merged>(`/contacts/${id}/merge`, { other_id: other }),
    onSuccess: afterMerge,
  });

export const useUndoMerge = () =>
  useMutation({ mutationFn: (merge: Id) => post<unknown>(`/merges/${merge}/undo`), onSuccess: afterMerge });

/** `attempt` names the sending, so that one that was repeated is not sent twice. */
export const useOutset = () =>
  useMutation({
    mutationFn: ({ outset, attempt }: { outset: Outset; attempt: string }) =>
      post<Started>("/conversations", outset, attempt),
    onSuccess: ({ conversation }) => {
      keepRow(conversation);
      void queries.invalidateQueries({ queryKey: ["contact"] });
      void queries.invalidateQueries({ queryKey: ["contacts"] });
    },
  });
