// The whole outcome: verdict first, then tabs.

import { el } from "../dom.js";
import type { Overview } from "../protocol.js";
import { agenda } from "./agenda.js";
import { defaults } from "./defaults.js";
import { findings } from "./findings.js";
import type { Hooks } from "./hooks.js";
import { inventory } from "./inventory.js";
import { keeping } from "./keeping.js";
import { objects } from "./objects.js";
import { restarts } from "./restarts.js";
import { reverted } from "./reverted.js";
import { steps } from "./steps.js";
import { tabs } from "./tabs.js";
import { verdict } from "./verdict.js";
import { way } from "./way.js";

export function outcomeView(overview: Overview, hooks: Hooks): HTMLElement {
  const { state } = hooks;
  return el(
    "div",
    { class: "outcome" },
    verdict(overview, hooks),
    agenda(overview, hooks),
    keeping(overview, hooks),
    tabs(
      [
        { name: "Findings", number: overview.findings.length, make: () => findings(overview, hooks) },
        { name: "Defaults", number: overview.defaults.length, make: () => defaults(overview, hooks) },
        { name: "Reverted", number: overview.reverted.length, make: () => reverted(overview, hooks) },
        { name: "Objects", number: overview.words.agenda.real.length, make: () => objects(overview, hooks) },
        { name: "Restarts", number: overview.restarts, make: () => restarts(overview, hooks) },
        { name: "Steps", number: overview.steps?.length ?? 0, make: () => steps(overview, hooks) },
        ...(overview.path.length > 0
          ? [{ name: "Way", number: overview.path.length, make: () => way(overview, hooks) }]
          : []),
        { name: "Inventory", number: null, make: () => inventory(overview, hooks) },
      ],
      state.tab,
      (name) => {
        if (name !== state.tab) {
          state.tab = name;
          hooks.turned("push");
        }
      },
    ),
  );
}
