// What can be kept: the outcome as JSON, as Markdown, and as one HTML file that needs nothing else.

import type { Description, Outcome } from "refit-planner";

import { el } from "./dom.js";
import { sections } from "./view/outcome.js";
import { verdict } from "./view/verdict.js";

/** Buttons that make the downloads when they are pressed. */
export function downloads(outcome: Outcome, words: Description, text: string, command: string): HTMLElement {
  const name = `refit-${outcome.source.version ?? "unknown"}-to-${outcome.target.version ?? "unknown"}`;
  const button = (label: string, make: () => void): HTMLElement =>
    el("button", { type: "button", class: "quiet", on: { click: make } }, label);
  return el(
    "p",
    { class: "downloads" },
    "Keep it as",
    button("JSON", () => save(`${name}.json`, "application/json", text)),
    button("Markdown", () => save(`${name}.md`, "text/markdown", words.markdown)),
    button("HTML", () => save(`${name}.html`, "text/html", html(outcome, words, command))),
  );
}

/** One page with everything on it; its policy forbids scripts and connections. */
function html(outcome: Outcome, words: Description, command: string): string {
  const parts = sections(outcome, { explain: () => Promise.resolve(undefined), keep: () => undefined, command });
  const body = el("main", { class: "report" }, verdict(outcome, words), parts.map((it) => el("section", {}, el("h2", {}, it.name), it.make())));
  body.querySelectorAll("button.copy, button.quiet, input, .lead button").forEach((it) => it.remove());
  const policy = el("meta", { "http-equiv": "Content-Security-Policy", content: "default-src 'none'; style-src 'unsafe-inline'" });
  const title = el("title", {}, `Refit: ${words.headline}`);
  // A detached element writes its own text safely; the styles are this page's own.
  const head = `<meta charset="utf-8">${policy.outerHTML}${title.outerHTML}<style>${styles()}</style>`;
  return `<!doctype html>\n<html lang="en">\n<head>${head}</head>\n<body>${body.outerHTML}</body>\n</html>\n`;
}

function styles(): string {
  return [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules].map((it) => it.cssText)).join("\n");
}

function save(name: string, type: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
