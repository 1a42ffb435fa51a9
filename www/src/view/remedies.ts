// What settles a finding, as buttons: the same remedy has the same button wherever it stands.

import type { Choice } from "refit-planner";

import { el, words } from "../dom.js";
import type { ShortFinding } from "../protocol.js";
import { count } from "../words.js";
import type { Hooks } from "./hooks.js";

/** Choices that are seen without opening anything. */
const SEEN = 3;

/** Leads to a page of the guide, beside this one: who leaves this one has to drop the export again. */
export function guideLink(place: string, text: string): HTMLElement {
  return el("a", { href: `./guide.html#${encodeURIComponent(place)}`, target: "_blank", rel: "noopener" }, text);
}

/** The buttons of a finding; nothing where there are none, or where the request is not there. */
export function remedies(finding: ShortFinding, { apply, choose, requestFiles }: Hooks): HTMLElement | null {
  const fixes = apply === undefined ? [] : (finding.fixes ?? []);
  const choices = choose === undefined ? [] : finding.choices;
  if (fixes.length + choices.length === 0) {
    return null;
  }
  const file = finding.subjects.find((it) => it.line !== undefined && requestFiles.includes(it.file ?? ""))?.file;
  const button = (title: string, click: () => void, primary: boolean): HTMLElement =>
    el("button", { type: "button", class: `small ${primary ? "primary" : ""}`, on: { click } }, words(title));
  const choice = (it: Choice): HTMLElement => button(it.title, () => choose?.(it), fixes.length === 0 && !deletes(it));
  const seen = choices.length > SEEN ? 1 : choices.length;
  return el(
    "div",
    { class: "quick" },
    fixes.map((fix) => button(fix.title, () => apply?.(fix.edits, file), true)),
    choices.slice(0, seen).map(choice),
    choices.length > seen &&
      el(
        "details",
        { class: "more-choices" },
        el("summary", {}, `or one of ${count(choices.length - seen, "object")}`),
        el("div", { class: "quick" }, choices.slice(seen).map(choice)),
      ),
  );
}

function deletes({ prune, pruneOrphans }: Choice): boolean {
  return prune !== undefined || pruneOrphans === true;
}
