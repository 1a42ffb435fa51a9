// A run as it goes: the steps with their states, what is waited for, what was said, every record.

import { el, fill } from "../dom.js";
import { count, refName } from "../words.js";
import type { JournalRecord, ProposalState } from "./messages.js";
import { type Run, type StepRun, type StepStatus, extent } from "./run.js";

/** Records that are shown at most: the journal has all of them. */
const MOST_RECORDS = 500;

const STATES: Record<ProposalState, string> = {
  planning: "Planning",
  asking: "Waits for the terminal",
  running: "Running",
  refused: "Nothing was done",
  done: "Done",
  failed: "Stopped",
};

const STATUSES: Record<StepStatus, readonly [string, string]> = {
  ahead: ["\u00a0", "not begun"],
  running: ["…", "running"],
  held: ["‖", "held"],
  done: ["✓", "done"],
  failed: ["✕", "failed"],
  left: ["–", "not part of this run"],
};

export interface RunView {
  element: HTMLElement;
  show: (run: Run, lost: string | undefined) => void;
}

export function makeRunView(): RunView {
  const title = el("h2", {});
  const badge = el("span", { class: "badge" });
  const bar = el("progress", { "aria-label": "Writes that are done" });
  const extentText = el("span", { class: "hint" });
  const about = el("p", { class: "run-about" });
  const lostNote = el("p", { class: "hint warn", role: "alert", hidden: true });
  const steps = el("ol", { class: "run-steps" });
  const stepsBox = el("div", { class: "run-box", tabindex: 0, role: "region", "aria-label": "Steps" }, steps);
  const said = el("ul", { class: "said" });
  const failure = el("pre", { class: "failure", tabindex: 0, "aria-label": "Why it stopped", hidden: true });
  const number = el("span", { class: "number" });
  const rows = el("ol", { class: "records" });
  const records = el(
    "details",
    { hidden: true },
    el("summary", {}, "Records of the journal ", number),
    el("div", { class: "records-box", tabindex: 0, role: "region", "aria-label": "Records of the journal" }, rows),
  );
  const spoken = el("p", { class: "hidden-text", role: "status" });
  const element = el(
    "section",
    { class: "card run", id: "run", "aria-label": "Run", hidden: true },
    el("header", {}, title, badge),
    lostNote,
    about,
    el("div", { class: "run-extent" }, bar, extentText),
    stepsBox,
    failure,
    said,
    records,
    spoken,
  );
  let shown = 0;
  let plan: string | undefined;
  let current: string | undefined;

  return {
    element,
    show(run, lost) {
      const { proposal } = run;
      element.hidden = proposal === undefined;
      lostNote.hidden = lost === undefined;
      lostNote.textContent = lost ?? "";
      if (proposal === undefined) {
        return;
      }
      element.dataset["state"] = proposal.state;
      title.textContent =
        proposal.verb === "restart"
          ? "Restart of workloads"
          : `Upgrade to Istio ${run.plan?.target ?? proposal.to ?? ""}`;
      badge.textContent = run.rollingBack && proposal.state === "running" ? "Putting back" : STATES[proposal.state];
      badge.className = `badge ${tone(proposal.state)}`;
      about.textContent = sentence(run);
      const { done, all } = extent(run);
      const measured = all > 0 && proposal.state !== "asking" && proposal.state !== "planning";
      extentText.hidden = !measured;
      bar.hidden = !measured || done >= all;
      bar.max = Math.max(1, all);
      bar.value = done;
      extentText.textContent = `${done} of ${count(all, "write")}`;
      const { scrollTop } = stepsBox;
      fill(
        steps,
        run.steps.map((it) => stepRow(it, run)),
      );
      stepsBox.hidden = run.steps.length === 0;
      stepsBox.scrollTop = scrollTop;
      followStep(run);
      fill(
        said,
        run.said.map((it) => el("li", {}, it)),
      );
      failure.hidden = run.failure === undefined;
      failure.textContent = run.failure ?? "";
      showRecords(run);
      const speech = spokenWords(run);
      if (spoken.textContent !== speech) {
        spoken.textContent = speech;
      }
    },
  };

  /** Keeps the step that runs in sight, once: who scrolls elsewhere stays there. */
  function followStep(run: Run): void {
    const at = run.steps.findIndex(isCurrent);
    const id = run.steps[at]?.outline.id;
    const row = steps.children[at];
    if (id !== current && row instanceof HTMLElement) {
      stepsBox.scrollTop = row.offsetTop - stepsBox.clientHeight / 3;
    }
    current = id;
  }

  function showRecords(run: Run): void {
    records.hidden = run.records.length === 0;
    number.textContent = run.records.length.toLocaleString("en");
    if (plan !== `${run.proposal?.id} ${run.plan?.plan}` || run.records.length < shown) {
      plan = `${run.proposal?.id} ${run.plan?.plan}`;
      shown = 0;
      fill(rows);
    }
    // Nothing is drawn again: a reader may have scrolled or selected.
    rows.append(...run.records.slice(Math.max(shown, run.records.length - MOST_RECORDS)).map(recordRow));
    shown = run.records.length;
    while (rows.childElementCount > MOST_RECORDS) {
      rows.firstElementChild?.remove();
    }
  }
}

function tone(state: ProposalState): string {
  switch (state) {
    case "planning":
    case "running":
      return "info";
    case "asking":
      return "unknown";
    case "refused":
      return "warn";
    case "done":
      return "clear";
    case "failed":
      return "block";
  }
}

function sentence({ proposal, restarts, steps }: Run): string {
  switch (proposal?.state) {
    case undefined:
      return "";
    case "planning":
      return "refit reads the cluster again and plans; what this page planned is not taken.";
    case "asking":
      return `${proposal.reason ?? ""} Read it in the terminal and type the word that stands there; anything else leaves everything as it is.`;
    case "running":
      return "Ctrl-C in the terminal stops after what is being written.";
    case "refused":
    case "failed":
      return proposal.reason ?? "";
    case "done":
      return !restarts && steps.some((it) => it.status === "left")
        ? "Everything was done. Workloads keep their old proxies until they are restarted."
        : "Everything was done.";
  }
}

function stepRow({ outline, status, done, remarks }: StepRun, run: Run): HTMLElement {
  const [icon, word] = STATUSES[status];
  const current = isCurrent({ status });
  const what =
    outline.restarts > 0 && outline.restarts === outline.actions
      ? count(outline.actions, "workload")
      : count(outline.actions, "write");
  const extentWords =
    outline.actions === 0 ? "" : status === "ahead" || status === "left" ? what : `${done.size} of ${what}`;
  return el(
    "li",
    { class: status, "aria-current": current ? "step" : undefined },
    el("span", { class: "step-icon", "aria-hidden": "true" }, icon),
    el("span", { class: "step-title" }, outline.title, el("span", { class: "hidden-text" }, `, ${word}`)),
    el("span", { class: "place" }, extentWords),
    (remarks.length > 0 || (current && run.waiting !== undefined)) &&
      el(
        "ul",
        { class: "step-remarks" },
        remarks.map((it) => el("li", {}, it)),
        current &&
          run.waiting !== undefined &&
          el(
            "li",
            { class: "step-waits" },
            el("span", { class: "object" }, run.waiting.object),
            " ",
            run.waiting.reason,
          ),
      ),
  );
}

function isCurrent({ status }: Pick<StepRun, "status">): boolean {
  return status === "running" || status === "held";
}

function recordRow(it: JournalRecord): HTMLElement {
  const step = "step" in it ? it.step : "";
  const what = "object" in it ? refName(it.object) : "";
  return el(
    "li",
    {},
    el("time", { datetime: it.at, class: "place" }, it.at.slice(11, 19)),
    el("span", { class: "badge" }, it.event),
    el("span", { class: "object" }, [step, what].filter(Boolean).join(" · ")),
    "reason" in it && el("span", { class: "hint" }, it.reason),
  );
}

/** What a screen reader says: the state and the step, not each wait. */
function spokenWords(run: Run): string {
  const current = run.steps.find(isCurrent);
  const state = run.proposal === undefined ? "" : STATES[run.proposal.state];
  return current === undefined ? state : `${state}: ${current.outline.title}`;
}
