import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import type { components } from "@/api/schema";
import type { Organization, Role } from "@/features/accounts";

export type Member = components["schemas"]["MemberRead"];
export type Invitation = components["schemas"]["InvitationRead"];
export type NewInvitation = components["schemas"]["InvitationCreated"];
export type Token = components["schemas"]["TokenRead"];
export type NewToken = components["schemas"]["TokenCreated"];
export type Scope = components["schemas"]["Scope"];

export type Usage = components["schemas"]["UsageRead"];

const partLength = 50;

/** Reads what the organization uses. */
export function usageQuery(api: Api) {
  return queryOptions({
    queryKey: ["usage"],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/usage/", { signal })),
  });
}

/** Reads the members of an organization, part by part, in the order of their names. */
export function membersQuery(api: Api, organization: string, search: string) {
  return infiniteQueryOptions({
    queryKey: ["members", organization, search],
    queryFn: async ({ signal, pageParam }) => {
      const query = { limit: partLength, order: "name" as const, cursor: pageParam, ...(search ? { search } : {}) };
      const path = { organization };
      return body(
        await api.http.GET("/api/organizations/{organization}/members/", { signal, params: { path, query } }),
      );
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? null,
  });
}

/** Gives a member another role. */
export async function changeRole(api: Api, organization: string, userId: number, role: Role): Promise<void> {
  const path = { organization, user_id: userId };
  await api.http.PATCH("/api/organizations/{organization}/members/{user_id}/", { params: { path }, body: { role } });
}

/** Removes a member. */
export async function removeMember(api: Api, organization: string, userId: number): Promise<void> {
  const path = { organization, user_id: userId };
  await api.http.DELETE("/api/organizations/{organization}/members/{user_id}/", { params: { path } });
}

/** Removes who is signed in from the organization. */
export async function leaveOrganization(api: Api, organization: string): Promise<void> {
  await api.http.DELETE("/api/organizations/{organization}/members/me/", { params: { path: { organization } } });
}

/** Reads the invitations that somebody can still accept, page by page, newest first. */
export function pendingInvitationsQuery(api: Api, organization: string) {
  return infiniteQueryOptions({
    queryKey: ["invitations", organization],
    queryFn: async ({ signal, pageParam }) => {
      const query = { state: "pending" as const, page: pageParam, per_page: partLength };
      const path = { organization };
      return body(
        await api.http.GET("/api/organizations/{organization}/invitations/", { signal, params: { path, query } }),
      );
    },
    initialPageParam: 1,
    getNextPageParam: (last, _, page) => (last.next === null ? null : page + 1),
  });
}

/** Makes an invitation; only this answer has its link. */
export async function invite(
  api: Api,
  organization: string,
  values: components["schemas"]["InvitationCreate"],
): Promise<NewInvitation> {
  const params = { path: { organization } };
  return body(await api.http.POST("/api/organizations/{organization}/invitations/", { params, body: values }));
}

/** Ends an invitation. */
export async function revokeInvitation(api: Api, organization: string, invitationId: number): Promise<void> {
  const path = { organization, invitation_id: invitationId };
  await api.http.DELETE("/api/organizations/{organization}/invitations/{invitation_id}/", { params: { path } });
}

/** Renames an organization. */
export async function renameOrganization(
  api: Api,
  organization: string,
  values: { name: string },
): Promise<Organization> {
  const params = { path: { organization } };
  return body(await api.http.PATCH("/api/organizations/{organization}/", { params, body: values }));
}

/** Reads the tokens of an organization that may be managed, part by part, newest first. */
export function tokensQuery(api: Api, organization: string, search: string) {
  return infiniteQueryOptions({
    queryKey: ["tokens", organization, search],
    queryFn: async ({ signal, pageParam }) => {
      const query = {
        limit: partLength,
        order: "-created_at" as const,
        cursor: pageParam,
        organization,
        ...(search ? { search } : {}),
      };
      return body(await api.http.GET("/api/tokens/", { signal, params: { query } }));
    },
    initialPageParam: "",
    getNextPageParam: (last) => last.next_cursor ?? null,
  });
}

/** Makes a token; only this answer has its secret. */
export async function createToken(api: Api, values: components["schemas"]["TokenCreate"]): Promise<NewToken> {
  return body(await api.http.POST("/api/tokens/", { body: values }));
}

/** Ends a token for good. */
export async function revokeToken(api: Api, tokenId: number): Promise<void> {
  await api.http.DELETE("/api/tokens/{token_id}/", { params: { path: { token_id: tokenId } } });
}
