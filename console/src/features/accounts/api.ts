import { queryOptions } from "@tanstack/react-query";
import { type Api, body } from "@/api/client";
import type { components } from "@/api/schema";

export type Me = components["schemas"]["Me"];
export type Organization = components["schemas"]["OrganizationRead"];
export type Role = components["schemas"]["Role"];
export type OpenedInvitation = components["schemas"]["InvitationOpened"];
export type SignIn = components["schemas"]["SignInRead"];

/** Reads who is signed in. */
export function meQuery(api: Api) {
  return queryOptions({
    queryKey: ["me"],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/me/", { signal })),
  });
}

const maxOrganizations = 100;

/** Reads the organizations of who is signed in: the first hundred. */
export function organizationsQuery(api: Api) {
  return queryOptions({
    queryKey: ["organizations"],
    queryFn: async ({ signal }) =>
      body(await api.http.GET("/api/organizations/", { signal, params: { query: { limit: maxOrganizations } } })),
  });
}

/** Reads those of one's organizations whose name or slug contains `search`. */
export function organizationSearchQuery(api: Api, search: string) {
  return queryOptions({
    queryKey: ["organizations", search],
    queryFn: async ({ signal }) =>
      body(await api.http.GET("/api/organizations/", { signal, params: { query: { search, limit: 50 } } })),
  });
}

/** Makes an organization with who is signed in as its owner. */
export async function createOrganization(api: Api, values: { name: string }): Promise<Organization> {
  return body(await api.http.POST("/api/organizations/", { body: values }));
}

/** Reads whether this installation has no user yet, and whether it can send mail. */
export function setUpQuery(api: Api) {
  return queryOptions({
    queryKey: ["set-up"],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/set-up/", { signal })),
  });
}

/** Creates the first user and organization of an installation, and signs in. */
export async function setUp(api: Api, values: components["schemas"]["SetUp"]): Promise<Me> {
  return body(await api.http.POST("/api/set-up/", { body: values }));
}

/** Signs in; the answer sets a cookie that no script can read. */
export async function signIn(api: Api, values: { email: string; password: string }): Promise<void> {
  await api.http.POST("/api/sessions/", { body: values });
}

/** Ends the sign-in of this browser. */
export async function signOut(api: Api): Promise<void> {
  await api.http.DELETE("/api/sessions/current/");
}

/** Asks for a mail with a link to set a new password. */
export async function requestReset(api: Api, values: { email: string }): Promise<void> {
  await api.http.POST("/api/password-resets/", { body: values });
}

/** Sets a new password with the secret of a mailed link. */
export async function confirmReset(api: Api, values: { token: string; password: string }): Promise<void> {
  await api.http.POST("/api/password-resets/confirm/", { body: values });
}

/** Reads what an invitation is for. */
export function invitationQuery(api: Api, token: string) {
  return queryOptions({
    queryKey: ["invitation", token],
    queryFn: async ({ signal }) => {
      return body(await api.http.GET("/api/invitations/{token}/", { signal, params: { path: { token } } }));
    },
    // What is being filled in must not change below the hands.
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Joins as who is signed in, or with a new account. Returns the organization. */
export async function acceptInvitation(
  api: Api,
  token: string,
  account?: components["schemas"]["InvitationAccept"],
): Promise<Organization> {
  const options = { params: { path: { token } }, ...(account === undefined ? {} : { body: account }) };
  return body(await api.http.POST("/api/invitations/{token}/accept/", options)).organization;
}

/** Changes the name of who is signed in. */
export async function changeName(api: Api, values: { name: string }): Promise<Me> {
  return body(await api.http.PATCH("/api/me/", { body: values }));
}

/** Changes the password of who is signed in. */
export async function changePassword(
  api: Api,
  values: { current_password: string; new_password: string },
): Promise<void> {
  await api.http.POST("/api/me/password/", { body: values });
}

/** Reads the sign-ins of who is signed in. */
export function signInsQuery(api: Api) {
  return queryOptions({
    queryKey: ["sign-ins"],
    queryFn: async ({ signal }) => body(await api.http.GET("/api/sessions/", { signal })),
  });
}

/** Ends one sign-in. */
export async function endSignIn(api: Api, sessionId: string): Promise<void> {
  await api.http.DELETE("/api/sessions/{session_id}/", { params: { path: { session_id: sessionId } } });
}

/** Ends all sign-ins but that of this browser. */
export async function endOtherSignIns(api: Api): Promise<void> {
  await api.http.DELETE("/api/sessions/others/");
}
