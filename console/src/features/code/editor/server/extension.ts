import { type Extension, Prec, StateEffect, StateField } from "@codemirror/state";
import {
  type EditorView,
  hoverTooltip,
  keymap,
  showTooltip,
  type Tooltip,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";
import { runCommand, type ServerHooks } from "./commands";
import { documentationOf } from "./documentation";
import { positionAt } from "./positions";
import type { Signature } from "./wire";

const hoverMs = 350;
const setSignature = StateEffect.define<Signature | null>();

const signatureField = StateField.define<Tooltip | null>({
  create: () => null,
  update(tooltip, transaction) {
    for (const effect of transaction.effects) {
      if (!effect.is(setSignature)) continue;
      return effect.value === null ? null : tooltipOf(effect.value, transaction.state.selection.main.head);
    }
    if (tooltip === null || !transaction.docChanged) return tooltip;
    return { ...tooltip, pos: transaction.changes.mapPos(tooltip.pos) };
  },
  provide: (self) => showTooltip.from(self),
});

/** Returns what an editor of one file does by the language server: hover, signatures and the keys. */
export function serverExtension(path: string, hooks: ServerHooks): Extension {
  return [
    signatureField,
    hoverTooltip(
      async (view, pos) => {
        const server = hooks.server();
        if (server === null || !server.knows(path)) return null;
        server.change(path, view.state.doc.toString());
        const text = await server.hover(path, positionAt(view.state.doc, pos)).catch(() => "");
        return text === "" ? null : { pos, above: true, create: () => ({ dom: documentationOf(text) }) };
      },
      { hoverTime: hoverMs },
    ),
    ViewPlugin.define((view) => new SignatureHelp(view, path, hooks)),
    Prec.high(
      keymap.of([
        { key: "F12", run: (view) => runCommand("definition", view, path, hooks), preventDefault: true },
        { key: "Shift-F12", run: (view) => runCommand("uses", view, path, hooks), preventDefault: true },
        { key: "F2", run: (view) => runCommand("rename", view, path, hooks), preventDefault: true },
        { key: "Mod-.", run: (view) => runCommand("fix", view, path, hooks), preventDefault: true },
        { key: "Shift-Alt-f", run: (view) => runCommand("format", view, path, hooks), preventDefault: true },
        { key: "Escape", run: closeSignature },
      ]),
    ),
  ];
}

/** Asks for the signature when an argument begins, and again while one is shown. */
class SignatureHelp {
  private asked = 0;

  constructor(
    private readonly view: EditorView,
    private readonly path: string,
    private readonly hooks: ServerHooks,
  ) {}

  update(update: ViewUpdate): void {
    const isShown = update.state.field(signatureField) !== null;
    if (!update.docChanged && !(isShown && update.selectionSet)) return;
    let typed = "";
    if (update.transactions.some((transaction) => transaction.isUserEvent("input.type"))) {
      update.changes.iterChanges((_from, _to, _start, _end, inserted) => {
        typed += inserted.toString();
      });
    }
    if (isShown || /[(,]/.test(typed)) this.ask();
  }

  private ask(): void {
    this.asked += 1;
    const asked = this.asked;
    // After the update: an editor may not be changed during one.
    window.setTimeout(async () => {
      const server = this.hooks.server();
      if (asked !== this.asked || server === null || !server.knows(this.path)) return;
      const { doc, selection } = this.view.state;
      server.change(this.path, doc.toString());
      const signature = await server.signature(this.path, positionAt(doc, selection.main.head)).catch(() => null);
      if (asked === this.asked) this.view.dispatch({ effects: setSignature.of(signature) });
    }, 50);
  }

  destroy(): void {
    this.asked += 1;
  }
}

function closeSignature(view: EditorView): boolean {
  if (view.state.field(signatureField) === null) return false;
  view.dispatch({ effects: setSignature.of(null) });
  return true;
}

function tooltipOf(signature: Signature, pos: number): Tooltip {
  return {
    pos,
    above: true,
    create: () => {
      const dom = document.createElement("div");
      dom.className = "am-documentation am-signature";
      const code = dom.appendChild(document.createElement("pre"));
      const at = signature.active === "" ? -1 : signature.label.indexOf(signature.active);
      const end = at + signature.active.length;
      const active = document.createElement("strong");
      active.textContent = at < 0 ? "" : signature.label.slice(at, end);
      code.append(
        at < 0 ? signature.label : signature.label.slice(0, at),
        active,
        at < 0 ? "" : signature.label.slice(end),
      );
      return { dom };
    },
  };
}
