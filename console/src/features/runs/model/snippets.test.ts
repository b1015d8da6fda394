import { expect, test, vi } from "vitest";
import { listSnippets } from "./snippets";

test("a list is read with its filters, whatever is in them", () => {
  vi.stubGlobal("window", { location: { origin: "https://automio.example" } });
  const [curl] = listSnippets("shop", { state: ["failed", "stopped"], text: 'it\'s "100 %" `$(rm)`' });
  expect(curl?.code.split("'")[1]).toBe(
    "https://automio.example/api/actions/runs/?limit=50&cursor=&state=failed&state=stopped" +
      "&text=it%27s+%22100+%25%22+%60%24%28rm%29%60&app=shop",
  );
});
