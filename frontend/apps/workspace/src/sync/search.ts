import type { SearchAnswer } from "@switchboard/protocol";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { get } from "./rest";

export interface SearchTerms {
  q: string;
  in: "messages" | "contacts" | "all";
  channel?: string;
  from?: string;
  to?: string;
}

export const useSearch = (terms: SearchTerms) =>
  useInfiniteQuery({
    queryKey: ["search", terms],
    enabled: terms.q.trim().length > 0,
    placeholderData: keepPreviousData,
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) => get<SearchAnswer>("/search", { ...terms, cursor: pageParam }, signal),
    getNextPageParam: (page) => page.next,
  });
