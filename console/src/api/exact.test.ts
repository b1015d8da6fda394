import { expect, test } from "vitest";
import { exactDigits, parseExact } from "./exact";

test.each(["12345678901234567890", "19.90", '{"a":[1.50,2]}', '["x",null,true,-0.5]', "9007199254740993"])(
  "%s is written as it was read",
  (text) => {
    expect(JSON.stringify(parseExact(text))).toBe(text);
  },
);

test("only a number that a double would change is kept apart", () => {
  expect(parseExact("1.5")).toBe(1.5);
  expect(exactDigits(parseExact("1.50"))).toBe("1.50");
  expect(exactDigits({ rawJSON: "1" })).toBeNull();
});
