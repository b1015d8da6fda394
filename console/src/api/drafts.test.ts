import { expect, test } from "vitest";
import { dropDraft, findDrafts, keepDraft } from "./drafts";

const draft = { user: "1", document: "rows/new", base: "", text: "SAVED", changedAt: 1 };

test("a draft is found before it is written, and is gone before that is written", async () => {
  const writing = keepDraft(draft);
  expect(await findDrafts("1")).toEqual([draft]);
  await writing;
  expect(await findDrafts("1", "rows/")).toEqual([draft]);
  const dropping = dropDraft(draft);
  expect(await findDrafts("1")).toEqual([]);
  await dropping;
  expect(await findDrafts("1")).toEqual([]);
});

test("drafts of another user or another document are not found", async () => {
  await keepDraft(draft);
  expect(await findDrafts("2")).toEqual([]);
  expect(await findDrafts("1", "source/")).toEqual([]);
  await dropDraft(draft);
});
