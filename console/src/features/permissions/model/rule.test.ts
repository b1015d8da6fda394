import { describe, expect, it } from "vitest";
import { operatorsOf, type Rule, readSentences, readValue, textOf, writeSentences } from "./rule";

describe("sentences of a rule", () => {
  it.each<Rule>([
    {},
    { owner: { _eq: "X-Hasura-User-Id" } },
    { _and: [{ owner: { _eq: 1 } }, { state: { _in: ["new", "paid"] } }] },
    { _or: [{ owner: { _is_null: true } }, { qty: { _gt: 5 } }] },
  ])("come back as the same rule: %j", (rule) => {
    const read = readSentences(rule);
    expect(read).not.toBeNull();
    if (read !== null) expect(writeSentences(read)).toEqual(rule);
  });

  it("read several columns of one object as all of them", () => {
    expect(readSentences({ a: { _gt: 1, _lt: 5 }, b: { _eq: "x" } })?.conditions).toHaveLength(3);
  });

  it.each<Rule>([
    { _not: { a: { _eq: 1 } } },
    { _or: [] },
    { _or: [{ a: { _eq: 1 } }, { _and: [] }] },
    { _and: [{ a: { _eq: 1 }, b: { _eq: 2 } }] },
    { customer: { region: { _eq: "north" } } },
    { a: { _regex: "x" } },
    { a: 1 },
  ])("are not made of what a list cannot say: %j", (rule) => {
    expect(readSentences(rule)).toBeNull();
  });
});

describe("values", () => {
  it.each([
    ["5", "integer", 5],
    ["1.", "numeric", "1."],
    ["1.50", "numeric", "1.50"],
    ["x", "integer", "x"],
    ["12345678901234567890", "bigint", "12345678901234567890"],
    ["true", "boolean", true],
    ["5", "text", "5"],
  ])("typed as %s for %s", (text, type, value) => {
    expect(readValue(text, type, "_eq")).toBe(value);
    expect(textOf(value)).toBe(text);
  });

  it("of a list are separated by commas, and can be deleted again", () => {
    expect(readValue("new, paid", "choice", "_in")).toEqual(["new", "paid"]);
    expect(textOf(readValue("new,", "choice", "_in"))).toBe("new,");
  });
});

it("compares a type only by what it has", () => {
  expect(operatorsOf("json")).toEqual(["_is_null"]);
  expect(operatorsOf("boolean")).not.toContain("_gt");
  expect(operatorsOf("text")).toContain("_like");
});
