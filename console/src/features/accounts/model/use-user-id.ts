import { useQuery } from "@tanstack/react-query";
import { useApi } from "@/api/context";
import { meQuery } from "../api";

/** Returns whose drafts are kept here: the id of who is signed in, once it is known. */
export function useUserId(): number | undefined {
  return useQuery(meQuery(useApi())).data?.user.id;
}
