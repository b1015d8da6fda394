// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { fromHtml, layOut, toHtml } from "./html";
import { forSeeds } from "./seeded.test-cases";

test("what is copied here is pasted here, whatever is in the cells, and NULL stays NULL", () => {
  forSeeds((random) => {
    const width = 1 + random.below(4);
    const cells = Array.from({ length: 1 + random.below(4) }, () =>
      Array.from({ length: width }, () => (random.below(5) === 0 ? null : random.text('<a b>"&\t\n  ;é👩ب=style', 6))),
    );
    expect(fromHtml(toHtml(cells)), JSON.stringify(cells)).toEqual(cells);
  });
});

test("HTML holds text, never markup", () => {
  expect(toHtml([["<img src=x onerror=1>", '"&\n', null]])).toBe(
    "<table data-automio><tr><td>&lt;img src=x onerror=1&gt;</td><td>&quot;&amp;<br></td><td data-null></td></tr></table>",
  );
});

test("Excel: formats, merged and hidden cells, lines in a cell", () => {
  const excel = `<html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><style><!--
    td {mso-number-format:General; white-space:nowrap} .xl65 {mso-number-format:"0.00%";} --></style></head><body link=blue>
    <table border=0 style='border-collapse:collapse'><!--StartFragment--><col width=64>
    <tr height=20><td colspan=2 class=xl66>Two   wide
      names</td><td rowspan=2>tall<br>
      second&nbsp;line</td></tr>
    <tr height=20><td class=xl65 align=right x:num="0.12">12.00%</td><td x:num="45000" style='mso-x:y'>14/03/2023</td></tr>
    <tr height=0 style='display:none'><td>hidden</td><td></td><td></td></tr>
    <tr height=20><td x:num>7</td><td x:num="1.5E-3">0.0</td><td>&lt;b&gt;</td></tr><!--EndFragment--></table></body></html>`;
  expect(fromHtml(excel)).toEqual([
    ["Two wide names", "", "tall\nsecond line"],
    [{ text: "12.00%", number: "0.12" }, { text: "14/03/2023", number: "45000" }, ""],
    ["7", { text: "0.0", number: "0.0015" }, "<b>"],
  ]);
});

test("Google Sheets and LibreOffice: the value behind what is shown", () => {
  const sheets = `<meta charset="utf-8"><google-sheets-html-origin><style>td{border:1px}</style><table><colgroup><col></colgroup>
    <tr><td data-sheets-value='{"1":2,"2":"two\\n  lines"}'>two<br>lines</td>
    <td data-sheets-value="{&quot;1&quot;:3,&quot;3&quot;:1234.5}">$1.2K</td><td data-sheets-value="{broken">x</td></tr></table>`;
  expect(fromHtml(sheets)).toEqual([["two\n  lines", { text: "$1.2K", number: "1234.5" }, "x"]]);
  const calc = `<table><tr><td sdval="1.5" sdnum="1033;0;0.00">1.50</td><td>a</td></tr></table>`;
  expect(fromHtml(calc)).toEqual([[{ text: "1.50", number: "1.5" }, "a"]]);
});

test("a web page: paragraphs and lists are lines, a table in a cell is text, nothing of it runs", () => {
  const page = `<table><tr><th>a<script>alert(1)</script></th><td><p>one</p><p>two <b>bold</b></p></td></tr>
    <tr><td><ul><li>x</li><li>y</li></ul></td><td>in <table><tr><td>ner</td></tr></table></td></tr></table>`;
  expect(fromHtml(page)).toEqual([
    ["a", "one\ntwo bold"],
    ["x\ny", "in\nner"],
  ]);
});

test.each([
  ["no table", "<p>text</p>"],
  ["text beside the table", "<p>before</p><table><tr><td>a</td></tr></table>"],
  ["two tables", "<table><tr><td>a</td></tr></table><table><tr><td>b</td></tr></table>"],
  ["a table without rows", "<table></table>"],
])("%s is left to the plain text", (_, html) => {
  expect(fromHtml(html)).toBeNull();
});

test("cells that span keep the others in their columns, and no span is larger than the table", () => {
  const cell = (content: string, height = 1, width = 1) => ({ content, height, width });
  expect(layOut([[cell("a", 9, 2), cell("b")], [cell("c", 1, 1)], [cell("d")]])).toEqual([
    ["a", "", "b"],
    ["", "", "c"],
    ["", "", "d"],
  ]);
  expect(layOut([[cell("a", 1, 1_000_000)]])[0]?.length).toBe(2_000);
});
