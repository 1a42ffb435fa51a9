// The editor of the IstioOperator file: CodeMirror in a shadow root, where its styles need no exception of the policy.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** A remark on a line, from 1. */
export interface Remark {
  line: number;
  column: number | undefined;
  severity: "error" | "warning" | "info";
  message: string;
}

export interface Editor {
  text: () => string;
  setText: (text: string) => void;
  setRemarks: (remarks: readonly Remark[]) => void;
}

const colours = HighlightStyle.define([
  { tag: tags.comment, color: "var(--soft)" },
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--code-key)" },
  { tag: [tags.string, tags.content], color: "var(--code-text)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
]);

const theme = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--sunken)", fontSize: "13px", borderRadius: "8px" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", minHeight: "9em", maxHeight: "26em" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--soft)", border: "none" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--selected)" },
  ".cm-placeholder": { color: "var(--soft)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", border: "1px solid var(--line)", color: "var(--ink)" },
});

/** Makes an editor in `host`. */
export function makeEditor(host: HTMLElement, label: string, hint: string, changed: () => void): Editor {
  const root = host.attachShadow({ mode: "open" });
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      extensions: [
        lineNumbers(),
        history(),
        EditorView.lineWrapping,
        lintGutter(),
        yaml(),
        syntaxHighlighting(colours),
        theme,
        placeholder(hint),
        keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of((update) => update.docChanged && changed()),
      ],
    }),
  });
  return {
    text: () => view.state.doc.toString(),
    setText(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    setRemarks(remarks) {
      view.dispatch(setDiagnostics(view.state, remarks.filter((it) => it.line <= view.state.doc.lines).map(place)));
    },
  };

  function place(remark: Remark): Diagnostic {
    const line = view.state.doc.line(Math.max(1, remark.line));
    const from = Math.min(line.to, line.from + Math.max(0, (remark.column ?? 1) - 1));
    return { from, to: line.to, severity: remark.severity, message: remark.message };
  }
}
