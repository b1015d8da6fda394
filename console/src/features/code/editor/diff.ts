import { MergeView } from "@codemirror/merge";
import { EditorView } from "@codemirror/view";
import { t } from "@/i18n";
import { languageOf } from "./languages";
import { fixed, language, shown } from "./state";

export type Diff = {
  path: string;
  before: string;
  after: string;
  /** Called with the right text when it changes; without it, the right side cannot be changed. */
  onAfter?: (text: string) => void;
};

/** Shows two texts side by side below `parent`. Returns what takes it away. */
export function showDiff(parent: HTMLElement, { path, before, after, onAfter }: Diff): () => void {
  const view = new MergeView({
    parent,
    a: { doc: before, extensions: [shown(path), fixed] },
    b: {
      doc: after,
      extensions: [
        shown(path),
        onAfter === undefined
          ? fixed
          : EditorView.updateListener.of((update) => {
              if (update.docChanged) onAfter(update.state.doc.toString());
            }),
      ],
    },
    collapseUnchanged: { margin: 3, minSize: 6 },
    ...(onAfter === undefined ? {} : { revertControls: "a-to-b" as const, renderRevertControl: takeLeft }),
  });
  let isGone = false;
  void languageOf(path).then((extension) => {
    if (isGone) return;
    for (const editor of [view.a, view.b]) editor.dispatch({ effects: language.reconfigure(extension) });
  });
  return () => {
    isGone = true;
    view.destroy();
  };
}

function takeLeft(): HTMLElement {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "→";
  button.title = t("Take this place from the left");
  button.setAttribute("aria-label", button.title);
  return button;
}
