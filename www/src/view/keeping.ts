import { el } from "../dom.js";
import type { Keep, Overview } from "../protocol.js";
import type { Hooks } from "./hooks.js";

const FORMS: readonly (readonly [Keep, string, string])[] = [
  ["markdown", "Markdown", "For a ticket or a pull request"],
  ["html", "HTML", "One file with everything in it, for people"],
  ["json", "JSON", "The outcome, as refit plan -o json prints it"],
  ["sarif", "SARIF", "For code scanning and editors"],
  ["plan", "Plan file", "For refit apply"],
];

/** Everything in which the outcome can be kept or handed on. */
export function keeping(overview: Overview, hooks: Hooks): HTMLElement {
  const forms = FORMS.filter(([form]) => form !== "plan" || (overview.steps !== null && hooks.live));
  const told = el("span", { class: "hint", role: "status" });
  const { share } = hooks;
  return el(
    "div",
    { class: "downloads" },
    el("span", {}, "Keep it as"),
    forms.map(([form, label, title]) =>
      el("button", { type: "button", class: "quiet", title, on: { click: () => void hooks.keep(form) } }, label),
    ),
    share !== undefined && shareButton(share, told),
    told,
  );
}

function shareButton(share: () => Promise<string>, told: HTMLElement): HTMLElement {
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(await share());
      told.textContent = "Copied. It holds names and findings, no values.";
    } catch (error) {
      told.textContent = error instanceof Error ? error.message : String(error);
    }
  }
  return el(
    "button",
    {
      type: "button",
      class: "quiet",
      title: "Holds findings and names, no values and no manifests",
      on: { click: () => void copy() },
    },
    "Copy link",
  );
}
