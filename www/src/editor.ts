// The editor of the IstioOperator files: completion of what the release knows, findings at their lines, fixes at a click.
// Each file has a history of its own, which ends with the file.

import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  autocompletion,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState, type TransactionSpec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";

import type { Fix, KnownField, RequestFile } from "refit-planner";

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

/** Files are told apart by their objects, not by their names: one that is taken out and comes back has its history. */
export interface Editor {
  /** Shows a file. */
  show: (file: RequestFile) => void;
  /** Replaces a file's text, so that it can be undone. */
  replace: (file: RequestFile, text: string) => void;
  setRemarks: (file: RequestFile, remarks: readonly Remark[]) => void;
  /** Puts the cursor on a line of the file that is shown. */
  goTo: (line: number, column: number | undefined) => void;
}

export interface EditorHooks {
  /** A file has another text. */
  changed: (file: RequestFile, text: string) => void;
  apply: (fix: Fix, file: RequestFile) => void;
  /** Fields that the chosen release knows at a path. */
  fields: (path: readonly string[]) => Promise<readonly KnownField[]>;
}

/** Makes an editor in `host` that shows a file. */
export function makeEditor(host: HTMLElement, first: RequestFile, hint: string, hooks: EditorHooks): Editor {
  const root = host.attachShadow({ mode: "open" });
  const states = new WeakMap<RequestFile, EditorState>();
  let shown = first;
  const view = new EditorView({ root, parent: root, state: fresh(first) });

  function fresh(file: RequestFile): EditorState {
    return EditorState.create({
      doc: file.text,
      extensions: [
        common,
        history(),
        EditorView.lineWrapping,
        EditorView.theme({ ".cm-scroller": { minHeight: "11em", maxHeight: "28em" } }),
        lintGutter(),
        placeholder(hint),
        autocompletion({ override: [complete], icons: false, activateOnTyping: true }),
        keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
        EditorView.contentAttributes.of({
          "aria-label": `IstioOperator file ${file.name}`,
          "aria-describedby": "editor-keys",
          tabindex: "0",
        }),
        EditorView.updateListener.of((update) => update.docChanged && hooks.changed(file, update.state.doc.toString())),
      ],
    });
  }

  /** Changes a file, be it the one that is shown or not. */
  function dispatch(file: RequestFile, change: (state: EditorState) => TransactionSpec): void {
    if (file === shown) {
      view.dispatch(change(view.state));
      return;
    }
    const before = states.get(file) ?? fresh(file);
    const after = before.update(change(before)).state;
    states.set(file, after);
    if (!after.doc.eq(before.doc)) {
      hooks.changed(file, after.doc.toString());
    }
  }

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

  function place(file: RequestFile, { doc }: EditorState, remark: Remark): Diagnostic {
    const line = doc.line(Math.max(1, remark.line));
    const from = Math.min(line.to, line.from + Math.max(0, (remark.column ?? 1) - 1));
    const actions = remark.fixes.map((fix) => ({
      name: fix.title.replaceAll("`", ""),
      apply: () => hooks.apply(fix, file),
    }));
    return { from, to: line.to, severity: remark.severity, message: remark.message, actions };
  }

  return {
    show(file) {
      if (file !== shown) {
        states.set(shown, view.state);
        shown = file;
        view.setState(states.get(file) ?? fresh(file));
      }
    },
    replace(file, text) {
      dispatch(file, (state) => ({ changes: { from: 0, to: state.doc.length, insert: text } }));
    },
    setRemarks(file, remarks) {
      dispatch(file, (state) =>
        setDiagnostics(
          state,
          remarks.filter((it) => it.line <= state.doc.lines).map((it) => place(file, state, it)),
        ),
      );
    },
    goTo(number, column) {
      const line = view.state.doc.line(Math.min(Math.max(1, number), view.state.doc.lines));
      const anchor = Math.min(line.to, line.from + Math.max(0, (column ?? 1) - 1));
      view.dispatch({ selection: { anchor, head: line.to }, scrollIntoView: true });
      view.focus();
    },
  };
}
