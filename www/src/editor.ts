// The editor of the IstioOperator file: completion of what the release knows, findings at their lines, fixes at a click.

import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  autocompletion,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";

import type { Fix, KnownField } from "refit-planner";

import { common } from "./codemirror.js";
import { pathAt } from "./yaml-path.js";

/** A remark on a line, from 1. */
export interface Remark {
  line: number;
  column: number | undefined;
  severity: "error" | "warning" | "info";
  message: string;
  fixes: readonly Fix[];
}

export interface Editor {
  text: () => string;
  setText: (text: string) => void;
  setRemarks: (remarks: readonly Remark[]) => void;
  /** Puts the cursor on a line. */
  goTo: (line: number, column: number | undefined) => void;
}

export interface EditorHooks {
  changed: () => void;
  apply: (fix: Fix) => void;
  /** Fields that the chosen release knows at a path. */
  fields: (path: readonly string[]) => Promise<readonly KnownField[]>;
}

/** Makes an editor in `host`. */
export function makeEditor(host: HTMLElement, label: string, hint: string, hooks: EditorHooks): Editor {
  const root = host.attachShadow({ mode: "open" });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      extensions: [
        common,
        history(),
        EditorView.lineWrapping,
        EditorView.theme({ ".cm-scroller": { minHeight: "11em", maxHeight: "28em" } }),
        lintGutter(),
        placeholder(hint),
        autocompletion({ override: [complete], icons: false, activateOnTyping: true }),
        keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
        EditorView.updateListener.of((update) => update.docChanged && hooks.changed()),
      ],
    }),
  });

  async function complete(context: CompletionContext): Promise<CompletionResult | null> {
    const line = context.state.doc.lineAt(context.pos);
    const lines = context.state.doc.toString().split("\n");
    const place = pathAt(lines, line.number - 1, context.pos - line.from);
    if (place === null || (place.word === "" && !context.explicit)) {
      return null;
    }
    const known = await hooks.fields(place.path);
    const from = context.pos - place.word.length;
    if (place.key !== undefined) {
      const field = known.find((it) => it.name === place.key);
      return field === undefined || field.values.length === 0
        ? null
        : { from, options: field.values.map((label) => ({ label })) };
    }
    const options: Completion[] = known.map(({ name, kind }) => ({
      label: name,
      detail: kind,
      apply: kind === "object" || kind === "list" ? `${name}:\n${" ".repeat(place.indent + 2)}` : `${name}: `,
    }));
    return options.length === 0 ? null : { from, options, validFor: /^[\w-]*$/ };
  }

  function place(remark: Remark): Diagnostic {
    const line = view.state.doc.line(Math.max(1, remark.line));
    const from = Math.min(line.to, line.from + Math.max(0, (remark.column ?? 1) - 1));
    const actions = remark.fixes.map((fix) => ({ name: fix.title.replaceAll("`", ""), apply: () => hooks.apply(fix) }));
    return { from, to: line.to, severity: remark.severity, message: remark.message, actions };
  }

  return {
    text: () => view.state.doc.toString(),
    setText(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    setRemarks(remarks) {
      view.dispatch(setDiagnostics(view.state, remarks.filter((it) => it.line <= view.state.doc.lines).map(place)));
    },
    goTo(number, column) {
      const line = view.state.doc.line(Math.min(Math.max(1, number), view.state.doc.lines));
      const anchor = Math.min(line.to, line.from + Math.max(0, (column ?? 1) - 1));
      view.dispatch({ selection: { anchor, head: line.to }, scrollIntoView: true });
      view.focus();
    },
  };
}
