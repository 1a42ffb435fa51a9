// The page of `refit serve`: reads the cluster, lays requests before the terminal, shows what runs. Nothing here applies
// anything: that takes a word, typed in the terminal.

import type { PlanOptions, Progress } from "refit-planner";

import { byId, el, fill } from "../dom.js";
import type { Taken } from "../intake.js";
import type { NamedBlob, Overview } from "../protocol.js";
import { listen, openSession, proposeRestart, proposeUpgrade, readCluster, takeRelease } from "./connection.js";
import type { About } from "./messages.js";
import { freshRun, heard, isOpen } from "./run.js";
import { makeRunView } from "./run-view.js";

const PROMISE = "Nothing is applied without a word typed in the terminal.";

export interface LiveHooks {
  /** What is asked for now; undefined while no target is chosen. */
  request: () => PlanOptions | undefined;
  setRequest: (it: Partial<PlanOptions>) => void;
  take: (taken: Taken) => Promise<void>;
  attempt: (what: string, work: (progress: (it: Progress) => void) => Promise<void>) => Promise<void>;
}

export interface Live {
  /** Takes the release of a version, where refit has it. */
  takeRelease: (version: string, progress: (it: Progress) => void) => Promise<NamedBlob>;
  /** Releases that refit does not have either. */
  lacks: Set<string>;
  /** Tells what was planned, or that nothing is. */
  planned: (outcome: Overview | undefined) => void;
}

/** Makes the page live; throws where there is no session. */
export async function startLive(hooks: LiveHooks): Promise<Live> {
  const panel = makePanel(hooks);
  byId("input").prepend(panel.element);
  const view = makeRunView();
  byId("result").before(view.element);
  document.body.classList.add("live");
  fill(byId("tagline"), "The page of refit on this machine. ", el("strong", {}, "Nothing leaves it."));
  let about: About;
  try {
    about = await openSession();
  } catch (error) {
    panel.fail(error);
    throw error;
  }
  panel.open(about);
  hooks.setRequest(about.request);

  let run = freshRun();
  let lost: string | undefined;
  let drawing = false;
  const draw = (): void => {
    if (!drawing) {
      drawing = true;
      // Thousands of records at once are drawn once.
      requestAnimationFrame(() => {
        drawing = false;
        view.show(run, lost);
        panel.busy(isOpen(run), lost !== undefined);
      });
    }
  };
  void listen({
    begin() {
      run = freshRun();
      lost = undefined;
      draw();
    },
    hear(message) {
      run = heard(run, message);
      draw();
    },
    lose(why) {
      lost = why;
      panel.lose(why);
      draw();
    },
  });
  return { takeRelease, lacks: new Set(), planned: panel.planned };
}

interface Panel {
  element: HTMLElement;
  open: (about: About) => void;
  fail: (error: unknown) => void;
  planned: (outcome: Overview | undefined) => void;
  busy: (open: boolean, lost: boolean) => void;
  lose: (why: string) => void;
}

function makePanel({ request, take, attempt }: LiveHooks): Panel {
  const cluster = el("p", { class: "live-name" }, "Opening the session …");
  const told = el("p", { class: "hint", role: "status" });
  const read = el(
    "button",
    { type: "button", class: "primary", disabled: true, on: { click: () => void readIt() } },
    "Read the cluster",
  );
  const restartToo = el("input", { type: "checkbox", id: "live-restart" });
  const propose = el(
    "button",
    { type: "button", class: "primary", disabled: true, on: { click: () => void say(proposeIt) } },
    "Propose to the terminal",
  );
  const wave = el("input", { id: "live-wave", autocomplete: "off", placeholder: "5", "aria-describedby": "live-pace" });
  const pause = el("input", {
    id: "live-pause",
    autocomplete: "off",
    placeholder: "0s",
    "aria-describedby": "live-pace",
  });
  const renew = el(
    "button",
    { type: "button", disabled: true, on: { click: () => void say(renewIt) } },
    "Propose to restart them",
  );
  const proposing = el(
    "div",
    { class: "live-propose", hidden: true },
    el("label", { class: "check" }, restartToo, "Restart the workloads in the same run"),
    propose,
    el(
      "details",
      {},
      el("summary", {}, "Only restart workloads that run old proxies"),
      el(
        "div",
        { class: "live-pace" },
        el("div", { class: "field" }, el("label", { for: "live-wave", class: "label" }, "At the same time"), wave),
        el("div", { class: "field" }, el("label", { for: "live-pause", class: "label" }, "Pause between waves"), pause),
      ),
      el("p", { class: "hint", id: "live-pace" }, "A number or a percentage of workloads; a duration such as 10m."),
      renew,
    ),
  );
  const element = el(
    "section",
    { class: "card live-card", "aria-label": "Live cluster" },
    el("h2", {}, el("span", { class: "live-dot", "aria-hidden": "true" }), "Live cluster"),
    cluster,
    read,
    proposing,
    told,
  );
  let attended = false;
  let outcome: Overview | undefined;
  let open = false;
  let gone = true;
  let reading = false;

  async function readIt(): Promise<void> {
    reading = true;
    show();
    await attempt("Reading the cluster", async (progress) => {
      const file = await readCluster(progress);
      await take({ files: [file], passedOver: [] });
    });
    read.textContent = "Read it again";
    read.classList.remove("primary");
    reading = false;
    show();
  }

  async function proposeIt(): Promise<void> {
    const asked = request();
    if (asked !== undefined) {
      const { to, files = [], sets = [], namespace, force = false, prune, pruneOrphans } = asked;
      await proposeUpgrade({
        to,
        files,
        sets,
        force,
        restart: restartToo.checked,
        ...(namespace === undefined ? {} : { namespace }),
        ...(prune === undefined ? {} : { prune }),
        ...(pruneOrphans === undefined ? {} : { pruneOrphans }),
      });
    }
  }

  async function renewIt(): Promise<void> {
    const namespace = request()?.namespace;
    await proposeRestart({
      ...(wave.value.trim() === "" ? {} : { wave: wave.value.trim() }),
      ...(pause.value.trim() === "" ? {} : { pause: pause.value.trim() }),
      ...(namespace === undefined ? {} : { namespace }),
    });
  }

  /** Proposes, and tells what came of it. */
  async function say(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      told.textContent = "The terminal was asked.";
    } catch (error) {
      told.textContent = error instanceof Error ? error.message : String(error);
    }
  }

  function show(): void {
    read.disabled = reading || gone;
    proposing.hidden = outcome === undefined || !attended;
    propose.disabled = renew.disabled = open || gone;
    propose.textContent =
      outcome?.direction === "downgrade"
        ? "Propose the downgrade to the terminal"
        : "Propose the upgrade to the terminal";
    element.dataset["state"] = gone ? "lost" : open ? "busy" : "idle";
  }

  return {
    element,
    open(about) {
      attended = about.terminal;
      gone = false;
      cluster.textContent = about.cluster;
      told.textContent = attended
        ? PROMISE
        : "refit serve has no terminal, so nothing can be applied: start it in one.";
      show();
    },
    fail(error) {
      cluster.textContent = "There is no session.";
      told.classList.add("warn");
      told.textContent = error instanceof Error ? error.message : String(error);
    },
    planned(it) {
      outcome = it;
      show();
    },
    busy(isBusy, lost) {
      if (open && !isBusy) {
        told.textContent = PROMISE;
      }
      open = isBusy;
      gone = lost;
      if (!lost && told.classList.contains("warn")) {
        told.classList.remove("warn");
        told.textContent = "";
      }
      show();
    },
    lose(why) {
      told.classList.add("warn");
      told.textContent = why;
    },
  };
}
