import { expect, test } from "vitest";
import { ApiError } from "@/api/errors";
import { whyEnded } from "./invitations";

const error = (status: number, code: string) => new ApiError(status, code, "detail", [], null, null);

test("each end of an invitation has a sentence of its own", () => {
  const ends = ["unknown", "used", "expired", "revoked"].map((end) => whyEnded(error(410, `invitation_${end}`)));
  expect(new Set(ends.map((end) => end?.title)).size).toBe(4);
  expect(new Set(ends.map((end) => end?.text)).size).toBe(4);
});

test.each([error(429, "too_many_requests"), error(500, "http_500"), new Error("x"), null])(
  "%s says nothing about the invitation",
  (other) => {
    expect(whyEnded(other)).toBeNull();
  },
);
