import { beforeEach, expect, test } from "vitest";
import { doneRequests, following } from "./done";

const origin = "https://automio.example";

/** Sends nothing: tells what a request is noted as, once the server has done it. */
async function done(method: string, path: string, body?: unknown, type = "application/json") {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const sent = body === undefined ? {} : { body: text, headers: { "Content-Type": type } };
  following(new Request(origin + path, { method, ...sent }))?.();
  await new Promise((resolve) => setTimeout(resolve));
  return doneRequests();
}

beforeEach(() => done("DELETE", "/api/sessions/current/"));

test("changes are kept, the newest first; readings and previews are not", async () => {
  await done("POST", "/api/apps/", { name: "Shop" });
  await done("GET", "/api/apps/");
  await done("PUT", "/api/drafts/", {});
  await done("POST", "/api/apps/shop/new_table/plan/", {});
  const kept = await done("DELETE", "/api/tokens/3/");
  expect(kept.map(({ label, body }) => [label, body])).toEqual([
    ["DELETE /api/tokens/3/", null],
    ["POST /api/apps/", '{"name":"Shop"}'],
  ]);
});

test("of GraphQL, mutations are kept by the name of their field", async () => {
  await done("POST", "/api/apps/shop/v1/graphql", { query: "query { orders { id } }" });
  const kept = await done("POST", "/api/apps/shop/v1/graphql", {
    query:
      "mutation Write($updates: [orders_updates!]!) {\n  update_orders_many(updates: $updates) { affected_rows }\n}",
  });
  expect(kept.map(({ label }) => label)).toEqual(["mutation update_orders_many"]);
});

test("secrets are left out wherever they stand, and nothing else", async () => {
  const [kept] = await done("POST", "/api/apps/shop/webhooks/", {
    secret: "s3cret",
    passwords: ["one", "two"],
    deep: { access_token: "abc", count: 3 },
    name: "secret",
  });
  expect(JSON.parse(kept?.body ?? "")).toEqual({
    secret: "…",
    passwords: ["…", "…"],
    deep: { access_token: "…", count: 3 },
    name: "secret",
  });
});

test("numbers keep their digits", async () => {
  const [kept] = await done("POST", "/api/x/", '{"price": 12345678901234567890.10}');
  expect(kept?.body).toBe('{"price":12345678901234567890.10}');
});

test("files are left to their own screen, long bodies are not kept, and the list has an end", async () => {
  expect(await done("POST", "/api/apps/csv-imports/", "…", "multipart/form-data; boundary=x")).toEqual([]);
  const [long] = await done("POST", "/api/x/", { text: "x".repeat(30_000) });
  expect(long?.body).toBe('"… too long to be shown"');
  for (let count = 0; count < 40; count += 1) await done("POST", `/api/x/${count}/`, {});
  expect(doneRequests()).toHaveLength(20);
  expect(doneRequests()[0]?.path).toBe("/api/x/39/");
});

test("who signs in finds nothing of somebody else", async () => {
  await done("POST", "/api/apps/", { name: "Shop" });
  expect(await done("POST", "/api/sessions/", { email: "a@b.example", password: "x" })).toEqual([]);
});
