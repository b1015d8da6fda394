import { expect, test } from "vitest";
import type { Token } from "../api";
import { describeScope, endOf, envBlock, scopes } from "./tokens";

const token: Token = {
  id: 1,
  kind: "app",
  name: "",
  hint: "amt_abc",
  organization_id: 1,
  user_id: 1,
  app_id: null,
  scopes: ["data"],
  created_at: "2030-01-01T00:00:00Z",
  expires_at: null,
  revoked_at: null,
};
const now = Date.parse("2030-01-02T00:00:00Z");

test.each([
  [{}, null],
  [{ expires_at: "2030-01-02T00:00:01Z" }, null],
  [{ expires_at: "2030-01-02T00:00:00Z" }, "expired"],
  [{ revoked_at: "2030-01-01T12:00:00Z" }, "revoked"],
  [{ revoked_at: "2030-01-01T12:00:00Z", expires_at: "2030-01-01T13:00:00Z" }, "revoked"],
])("%j is %s", (change, state) => {
  expect(endOf({ ...token, ...change }, now)?.state ?? null).toBe(state);
});

test("the settings are those that the client reads", () => {
  const settings = envBlock({ token: "amt_x", app_id: 7 }, "https://automio.example.com", { slug: "acme" });
  expect(settings).toBe("API_BASE_URL=https://automio.example.com\nAPP_TOKEN=amt_x\nORG_SLUG=acme\nAPP_ID=7\n");
  expect(envBlock({ token: "amt_x", app_id: null }, "http://a", { slug: "b" })).not.toContain("APP_ID");
});

test("every scope is described, and none like another", () => {
  expect(new Set(scopes.map(describeScope)).size).toBe(scopes.length);
});
