import { python } from "@codemirror/lang-python";
import { Compartment, type Extension } from "@codemirror/state";
import { ViewPlugin, type ViewUpdate } from "@codemirror/view";
import type { Schema } from "./language";
import { mayHoldQueries } from "./strings";

/** Returns Python, which learns GraphQL once a script has a query: most have none, and need not load it. */
export function pythonKnowing(schema: Schema): Extension {
  const language = new Compartment();
  const learning = ViewPlugin.define((view) => {
    let state: "waiting" | "loading" | "gone" = "waiting";
    const learn = async () => {
      if (state !== "waiting" || !mayHoldQueries(view.state.doc.toString())) return;
      state = "loading";
      const { pythonWithQueries } = await import("./language");
      if (state === "loading") view.dispatch({ effects: language.reconfigure(pythonWithQueries(schema)) });
    };
    void learn();
    return {
      update: ({ docChanged }: ViewUpdate) => {
        if (docChanged) void learn();
      },
      destroy: () => {
        state = "gone";
      },
    };
  });
  return [language.of(python()), learning];
}
