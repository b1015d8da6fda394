import { type Extension, RangeSet, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, GutterMarker, gutter } from "@codemirror/view";
import { t } from "@/i18n";

/** A line that a failed run went through, with what to say about it. */
export type Mark = { line: number; message: string };

export const setMarks = StateEffect.define<readonly Mark[]>();

class Failed extends GutterMarker {
  constructor(readonly message: string) {
    super();
  }
  override eq(other: Failed): boolean {
    return other.message === this.message;
  }
  override toDOM(): HTMLElement {
    const element = document.createElement("span");
    element.textContent = "✕";
    element.title = this.message;
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", t("The last run failed here: {message}", { message: this.message }));
    return element;
  }
}

const failedLine = Decoration.line({ class: "am-failed" });

/** Marks move with the text and stay until the next run. */
const field = StateField.define<{ lines: RangeSet<Decoration>; gutter: RangeSet<GutterMarker> }>({
  create: () => ({ lines: RangeSet.empty, gutter: RangeSet.empty }),
  update(value, transaction) {
    let next = value;
    if (transaction.docChanged) {
      next = { lines: value.lines.map(transaction.changes), gutter: value.gutter.map(transaction.changes) };
    }
    for (const effect of transaction.effects) {
      if (!effect.is(setMarks)) continue;
      const doc = transaction.state.doc;
      const marks = effect.value
        .filter(({ line }) => line >= 1 && line <= doc.lines)
        .map(({ line, message }) => ({ from: doc.line(line).from, message }))
        .sort((one, other) => one.from - other.from);
      next = {
        lines: RangeSet.of(marks.map(({ from }) => failedLine.range(from))),
        gutter: RangeSet.of(marks.map(({ from, message }) => new Failed(message).range(from))),
      };
    }
    return next;
  },
  provide: (self) => EditorView.decorations.from(self, ({ lines }) => lines),
});

export const failureMarks: Extension = [
  field,
  gutter({ class: "am-failed-gutter", markers: (view) => view.state.field(field).gutter }),
];
