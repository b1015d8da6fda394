import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** Colours of the roles of `theme/tokens`, which follow the scheme by themselves. */
const look = EditorView.theme({
  "&": { height: "100%", color: "var(--am-text)", backgroundColor: "var(--am-canvas)", fontSize: "var(--am-font-13)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--am-font-code)", lineHeight: "1.54" },
  ".cm-content": { caretColor: "var(--am-text)", paddingBlock: "var(--am-space-8)" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "var(--am-text)", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--am-accent) 26%, transparent)",
  },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--am-hover) 55%, transparent)" },
  ".cm-gutters": { backgroundColor: "var(--am-canvas)", color: "var(--am-muted)", border: "none" },
  ".cm-activeLineGutter": { backgroundColor: "var(--am-hover)", color: "var(--am-text)" },
  ".cm-lineNumbers .cm-gutterElement": { minWidth: "3ch", paddingInline: "var(--am-space-8) var(--am-space-4)" },
  ".cm-foldPlaceholder": {
    backgroundColor: "var(--am-hover)",
    color: "var(--am-muted)",
    border: "1px solid var(--am-line)",
  },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "var(--am-accent-soft)",
    outline: "1px solid var(--am-control)",
  },
  "&.cm-focused .cm-nonmatchingBracket": { color: "var(--am-error)" },
  ".cm-selectionMatch": { backgroundColor: "var(--am-accent-soft)" },
  ".cm-searchMatch": { backgroundColor: "color-mix(in srgb, var(--am-warn) 30%, transparent)" },
  ".cm-searchMatch-selected": { backgroundColor: "color-mix(in srgb, var(--am-warn) 60%, transparent)" },
  ".cm-panels": { backgroundColor: "var(--am-raised)", color: "var(--am-text)" },
  ".cm-panels-top": { borderBottom: "1px solid var(--am-line)" },
  ".cm-panels-bottom": { borderTop: "1px solid var(--am-line)" },
  ".cm-textfield": {
    backgroundColor: "var(--am-canvas)",
    color: "var(--am-text)",
    border: "1px solid var(--am-control)",
    borderRadius: "4px",
  },
  ".cm-button": {
    background: "var(--am-canvas)",
    color: "var(--am-text)",
    border: "1px solid var(--am-control)",
    borderRadius: "4px",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--am-raised)",
    color: "var(--am-text)",
    border: "1px solid var(--am-line)",
    borderRadius: "4px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--am-font-code)", fontSize: "var(--am-font-13)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px var(--am-space-8)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--am-accent)",
    color: "var(--am-accent-text)",
  },
  ".cm-completionDetail": { color: "var(--am-muted)", fontStyle: "normal", marginInlineStart: "var(--am-space-16)" },
  "li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "600" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--am-error)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--am-error)",
    textUnderlineOffset: "3px",
  },
  ".cm-diagnostic-warning": { borderLeft: "3px solid var(--am-warn)" },
  ".cm-diagnostic-info": { borderLeft: "3px solid var(--am-running)" },
  ".cm-lintRange-warning, .cm-lintRange-info": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--am-warn)",
    textUnderlineOffset: "3px",
  },
  ".am-documentation": { padding: "var(--am-space-8) var(--am-space-12)", maxWidth: "60ch" },
  ".am-documentation pre": { margin: "0", whiteSpace: "pre-wrap", fontFamily: "var(--am-font-code)" },
  ".am-documentation p": { margin: "var(--am-space-8) 0 0" },
  ".am-signature strong": { fontWeight: "600", textDecoration: "underline" },
  ".am-fixes": { display: "flex", flexWrap: "wrap", gap: "var(--am-space-8)", padding: "var(--am-space-4)" },
  ".am-fixes .cm-button": { fontSize: "var(--am-font-12)" },
  ".cm-line.am-failed": { backgroundColor: "color-mix(in srgb, var(--am-error) 7%, transparent)" },
  ".am-failed-gutter .cm-gutterElement": { color: "var(--am-error)", width: "1.2em", textAlign: "center" },
  // The merge view.
  // Weak grounds and an underline: every colour of the text stays readable on them.
  "&.cm-merge-a .cm-changedLine, .cm-deletedChunk": {
    backgroundColor: "color-mix(in srgb, var(--am-error) 7%, transparent)",
  },
  "&.cm-merge-b .cm-changedLine": { backgroundColor: "color-mix(in srgb, var(--am-ok) 7%, transparent)" },
  "&.cm-merge-a .cm-changedText": { background: "none", boxShadow: "inset 0 -2px 0 var(--am-error)" },
  "&.cm-merge-b .cm-changedText": { background: "none", boxShadow: "inset 0 -2px 0 var(--am-ok)" },
  // The usual sign is missing in many fonts.
  ".cm-collapsedLines::before, .cm-collapsedLines::after": { content: '"…"' },
  ".cm-collapsedLines": { background: "var(--am-raised)", color: "var(--am-muted)" },
});

const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword], color: "var(--am-waiting)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--am-ok)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--am-warn)" },
  { tag: [tags.comment, tags.meta], color: "var(--am-muted)", fontStyle: "italic" },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.definition(tags.variableName)), tags.labelName],
    color: "var(--am-running)",
  },
  { tag: [tags.className, tags.definition(tags.className), tags.typeName, tags.propertyName], color: "var(--am-link)" },
  { tag: tags.heading, fontWeight: "600" },
  { tag: tags.strong, fontWeight: "600" },
  { tag: tags.emphasis, fontStyle: "italic" },
  { tag: [tags.link, tags.url], color: "var(--am-link)", textDecoration: "underline" },
  { tag: tags.invalid, color: "var(--am-error)" },
]);

/** How every editor looks, and the nonce without which the page's policy refuses its styles. */
export const appearance = [
  look,
  syntaxHighlighting(highlighting),
  EditorView.cspNonce.of(document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? ""),
];
