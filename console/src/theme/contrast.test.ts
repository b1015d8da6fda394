import { describe, expect, test } from "vitest";
import { contrast } from "./contrast";
import { colors, readable } from "./tokens";

describe("every pair of colours that carries text or a control is readable", () => {
  test.each(readable)("$text on $ground", ({ text, ground, min }) => {
    for (const scheme of [0, 1] as const) {
      expect(contrast(colors[text][scheme], colors[ground][scheme])).toBeGreaterThanOrEqual(min);
    }
  });

  test("the measure is WCAG's: black on white is 21, a colour on itself 1", () => {
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21, 5);
    expect(contrast("#777777", "#777777")).toBe(1);
    expect(contrast("#767676", "#ffffff")).toBeGreaterThan(4.5);
    expect(contrast("#777777", "#ffffff")).toBeLessThan(4.5);
  });
});
