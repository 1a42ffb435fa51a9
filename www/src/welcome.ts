// What the page says before anything was read.

import type { Requirement } from "refit-planner";

import { copyButton, el, fill } from "./dom.js";
import type { Sample } from "./samples.js";
import { VERDICTS } from "./words.js";

export interface Welcome {
  element: HTMLElement;
  setCommands: (needs: Requirement) => void;
  setSamples: (samples: readonly Sample[]) => void;
  /** The cluster is there: nothing has to be exported. */
  setLive: () => void;
}

export function makeWelcome(use: (sample: Sample) => void): Welcome {
  const commands = el("ol", { class: "how", id: "commands" });
  const gallery = el("div", { class: "samples" });
  const lead = el(
    "p",
    { class: "lead" },
    "Export what the cluster holds, drop it here, and read the verdict: what stands against the upgrade, which defaults change, " +
      "which of your settings would be lost, what restarts, and every step in order.",
  );
  return {
    element: el(
      "div",
      { class: "welcome" },
      el("h1", {}, "Can this cluster be upgraded in place?"),
      lead,
      commands,
      el("h2", {}, "Or look at a cluster of ours"),
      gallery,
    ),
    setCommands(needs) {
      const all = needs.commands.join("\n");
      fill(
        commands,
        el(
          "li",
          {},
          el("p", {}, "Run this where kubectl reaches the cluster. It reads no Secrets.", copyButton(all, "Copy all")),
          el("pre", { tabindex: 0, "aria-label": "Lines that export the cluster" }, all),
        ),
        el("li", {}, el("p", {}, "Drop the files anywhere on this page, or paste them.")),
        el("li", {}, el("p", {}, "Choose the version to go to.")),
      );
    },
    setLive() {
      lead.textContent =
        "Read the cluster, choose the version, and see what stands against the upgrade, which defaults change, what restarts, and every step in order. " +
        "Then propose it: the terminal plans again, and applies nothing before a word is typed there.";
      commands.hidden = true;
    },
    setSamples(samples) {
      fill(
        gallery,
        samples.map((it) =>
          el(
            "button",
            { type: "button", class: `sample ${it.verdict ?? ""}`, on: { click: () => use(it) } },
            el("strong", {}, it.title),
            el("span", {}, it.about),
            it.verdict !== null && el("span", { class: `badge tone-${it.verdict}` }, VERDICTS[it.verdict]),
          ),
        ),
      );
    },
  };
}
