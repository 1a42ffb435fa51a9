// What all editors here share: YAML, colours, and a shadow root, where CodeMirror's styles need no exception of the policy.

import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, foldGutter, syntaxHighlighting } from "@codemirror/language";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import { Decoration, EditorView, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colours = HighlightStyle.define([
  { tag: tags.comment, color: "var(--soft)" },
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--code-key)" },
  { tag: [tags.string, tags.content], color: "var(--code-text)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
]);

const theme = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "var(--sunken)", fontSize: "13px", borderRadius: "8px" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--soft)", border: "none" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--selected)" },
  ".cm-placeholder": { color: "var(--soft)" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    border: "1px solid var(--line)",
    color: "var(--ink)",
    borderRadius: "8px",
    overflow: "hidden",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--selected)", color: "var(--ink)" },
  ".cm-completionDetail": { color: "var(--soft)", fontStyle: "normal", marginLeft: "1em" },
  ".cm-diagnostic": { padding: "6px 10px" },
  ".cm-diagnosticAction": {
    backgroundColor: "var(--accent)",
    color: "var(--accent-ink)",
    borderRadius: "6px",
    padding: "3px 9px",
    font: "inherit",
    cursor: "pointer",
  },
  ".cm-here": { backgroundColor: "var(--selected)" },
  ".cm-changedLine": { backgroundColor: "var(--clear-wash) !important" },
  ".cm-deletedChunk": { backgroundColor: "var(--block-wash) !important" },
  "&.cm-merge-a .cm-changedLine": { backgroundColor: "var(--block-wash) !important" },
  ".cm-changedText, .cm-insertedLine": {
    background: "color-mix(in srgb, var(--clear) 20%, transparent) !important",
    textDecoration: "none",
  },
  ".cm-deletedChunk .cm-deletedText, &.cm-merge-a .cm-changedText": {
    background: "color-mix(in srgb, var(--block) 20%, transparent) !important",
  },
  // The colours of the language are too light on what changed.
  ".cm-changedText, .cm-changedText *, .cm-insertedLine, .cm-insertedLine *, .cm-deletedText, .cm-deletedText *": {
    color: "var(--ink) !important",
  },
  ".cm-collapsedLines": {
    background: "var(--raised) !important",
    color: "var(--soft)",
    border: "1px solid var(--line)",
  },
});

/** YAML in this page's colours. */
export const common: Extension = [lineNumbers(), yaml(), syntaxHighlighting(colours), theme];

const readOnly: Extension = [common, foldGutter(), EditorState.readOnly.of(true), EditorView.lineWrapping];

/** Shows a text that cannot be edited, a line of it in sight and marked. */
export function showText(host: HTMLElement, label: string, text: string, line: number | null): void {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const state = EditorState.create({ doc: text, extensions: [readOnly, named(label)] });
  const at = line !== null && line <= state.doc.lines ? state.doc.line(line) : undefined;
  const marked =
    at === undefined
      ? []
      : EditorView.decorations.of(Decoration.set([Decoration.line({ class: "cm-here" }).range(at.from)]));
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [readOnly, named(label), marked],
      ...(at === undefined ? {} : { selection: { anchor: at.from } }),
    }),
  });
  if (at !== undefined) {
    requestAnimationFrame(() => view.dispatch({ effects: EditorView.scrollIntoView(at.from, { y: "center" }) }));
  }
}

/** Shows what differs between two texts, what is alike folded. */
export function showDifference(
  host: HTMLElement,
  label: string,
  before: string,
  after: string,
  form: "unified" | "split",
): void {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const collapseUnchanged = { margin: 3, minSize: 5 };
  if (form === "split") {
    new MergeView({
      root,
      parent: root,
      a: { doc: before, extensions: [readOnly, named(`${label}, now`)] },
      b: { doc: after, extensions: [readOnly, named(`${label}, afterwards`)] },
      collapseUnchanged,
      gutter: false,
    });
    return;
  }
  const merge = unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged, gutter: false });
  new EditorView({
    root,
    parent: root,
    state: EditorState.create({ doc: after, extensions: [readOnly, named(label), merge] }),
  });
}

function named(label: string): Extension {
  return EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" });
}
