// The page: files in, a request beside them, the outcome out. All planning happens in the worker.

import type { Edit, Progress, Subject } from "refit-planner";

import { writeAddress } from "./address.js";
import { ask } from "./ask.js";
import { Client } from "./client.js";
import { makeClusterCard } from "./cluster-card.js";
import { byId, el, fill, save } from "./dom.js";
import { makeFleet } from "./fleet.js";
import { makeForm } from "./form.js";
import { type Taken, versionOf } from "./intake.js";
import { listenForFiles, listenForTheme, takeText } from "./listen.js";
import { openObject } from "./object-dialog.js";
import { keepOffline } from "./offline.js";
import { afterPaint, stickByItsEnd } from "./paint.js";
import { type WaysOut, fileOf, isCancelled, isPanic, problemOf, problemView } from "./problem.js";
import type { Keep, Overview, Problem } from "./protocol.js";
import { makeReading } from "./reading.js";
import { forgetKept, forgetRemembered } from "./remembered.js";
import { factsBeside, fetchBeside, releasesBeside } from "./beside.js";
import { type Place, makeSession } from "./session.js";
import { type Sample, beside as samplesBeside, madeUp } from "./samples.js";
import { fromHash, isShared, toHash } from "./share.js";
import { upgradeLine } from "./shell.js";
import { hideToast, offerUndo, say } from "./toast.js";
import { freshPage, noCluster } from "./state.js";
import { type Hooks, freshState } from "./view/hooks.js";
import { outcomeView } from "./view/outcome.js";
import { ALL_PANELS } from "./view/tabs.js";
import { makeWelcome } from "./welcome.js";
import { count } from "./words.js";

const HANDED_ON =
  "This outcome was handed on: names and findings, no values and no manifests. Drop an export to plan one of your own.";

const client = new Client();
const form = makeForm({
  changed: () => schedule(),
  recover: () => void attempt("Recovering the settings", recover),
  apply: (fix, file) => void attempt("Editing the request", () => applyEdits(fix.edits, file.name)),
  undoable: offerUndo,
  fields: (version, path) => client.ask("fields", [version, path]),
});
const card = makeClusterCard({
  take: (taken) => void reading.take(taken),
  remove: (file) => void reading.remove(file),
  paste: () =>
    void navigator.clipboard.readText().then(
      (text) => takeText(text, listeners),
      () => say(["Press Ctrl+V anywhere outside a field to paste."]),
    ),
  cancel,
});
const welcome = makeWelcome((sample) => void session.useSample(sample));
const result = byId("result");
const status = byId("status");
const working = byId("working");
const rememberBox = byId("remember") as HTMLInputElement;

const page = freshPage();
const listeners = {
  take: (taken: Taken): void => void reading.take(taken),
  failed: showProblem,
  taken: () => [...page.cluster.files, ...page.cluster.releases].map((it) => it.name),
};

const fleet = makeFleet({
  open: showWithoutExport,
  changed: () => (page.overview === undefined ? showWelcome() : draw(page.overview)),
});

const reading = makeReading({
  page,
  client,
  card,
  form,
  attempt,
  plan,
  begin() {
    if (isShared(location.hash)) {
      history.replaceState(null, "", location.pathname + location.search);
    }
  },
  draw,
  showNothing,
  written: fleet.take,
});

const session = makeSession({
  page,
  client,
  form,
  attempt,
  read: reading.read,
  openShared,
  showWithoutExport,
  show() {
    if (page.overview !== undefined) {
      document.body.classList.add("planned");
      draw(page.overview);
    }
  },
  showWelcome,
});

start();

function start(): void {
  const column = byId("input");
  fill(column, card.element, form.element);
  stickByItsEnd(column);
  card.show(page.cluster);
  showWelcome();
  listenForFiles(listeners);
  listenForTheme();
  byId("stop").addEventListener("click", cancel);
  byId("forget").addEventListener("click", () => void forget());
  rememberBox.addEventListener("change", () => void (rememberBox.checked ? session.keep() : forgetRemembered()));
  addEventListener("beforeprint", () => result.querySelector(".tabs")?.dispatchEvent(new Event(ALL_PANELS)));
  addEventListener("popstate", () => void session.follow());
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    // The address is the page's own.
    event.preventDefault();
    result.focus();
  });
  welcome.setSamples(madeUp());
  afterPaint(begin);
}

/** Asks the planner, and goes on where the address or a reload says. */
function begin(): void {
  const known = client.ask("releases", []).then((it) => {
    form.setReleases(it);
    return showCommands();
  }, showProblem);
  if (/^#(token=|live$)/.test(location.hash)) {
    void goLive();
  } else {
    const found = findBeside();
    void findFacts();
    // What the page has loaded by then is not loaded again.
    void known.then(() => keepOffline((...content) => say(content, true), agreeToReload));
    void openShared().then((shared) => (shared ? undefined : session.restore(found)));
  }
}

/** Asks before a reload, where files of one's own are open: they are not kept. */
async function agreeToReload(): Promise<boolean> {
  return (
    page.cluster.files.length === 0 ||
    page.sample !== undefined ||
    (await ask(
      "Load the new version now?",
      "The request and the findings stay. The files of the export are never kept: drop them again afterwards.",
      ["Not now", "Load it"],
    )) === 1
  );
}

/** Connects the page to the `refit serve` that serves it: it has the cluster and the releases. Nothing is kept for use without it: another server may have its port next. */
async function goLive(): Promise<void> {
  const { startLive } = await import("./live/live.js");
  welcome.setLive();
  page.live = await startLive({
    request: () => form.request(),
    setRequest: form.setRequest,
    take: reading.take,
    attempt,
  }).catch(() => undefined);
  schedule();
}

/** Plans a moment after the last change of the request. */
function schedule(): void {
  unschedule();
  if (page.cluster.summary !== undefined) {
    result.setAttribute("aria-busy", "true");
    page.timer = setTimeout(() => {
      page.timer = undefined;
      void planAgain();
    }, 250);
  } else {
    void showCommands();
    void session.keep();
  }
}

/** Plans what is asked for now: one plan at a time, and of all that was typed meanwhile only the last. */
async function planAgain(): Promise<void> {
  if (page.planning) {
    page.again = true;
    return;
  }
  page.planning = true;
  await attempt("Planning", (progress) => plan(progress));
  page.planning = false;
  if (page.again) {
    page.again = false;
    await planAgain();
  }
}

function unschedule(): void {
  page.again = false;
  clearTimeout(page.timer);
  page.timer = undefined;
  if (page.doing === 0) {
    result.removeAttribute("aria-busy");
  }
}

async function plan(progress: (it: Progress) => void, made?: Overview): Promise<void> {
  const request = form.request();
  if (request === undefined || page.cluster.summary === undefined) {
    return;
  }
  page.turn += 1;
  const mine = page.turn;
  const before = page.fetched.size;
  await fetchBeside(client, page, request, progress);
  const [needed, coverage, answer] = await Promise.all([
    client.ask("releasesFor", [request]),
    client.ask("missing", [request]),
    made !== undefined && page.fetched.size === before ? made : client.ask("plan", [request]),
  ]);
  const memory = await client.ask("memory", []);
  if (mine !== page.turn) {
    return;
  }
  const have = new Set([...page.fetched, ...page.cluster.releases.map((it) => versionOf(it.name) ?? "")]);
  page.cluster = { ...page.cluster, coverage, memory, missingReleases: needed.filter((it) => !have.has(it)) };
  page.planned = request;
  card.show({ ...page.cluster, beside: [...page.cluster.beside, ...page.fetched] });
  page.note = undefined;
  showOutcome(answer);
  if (page.live === undefined) {
    await session.planned();
  }
}

/** Puts what the cluster was installed with into the editor, once the user has seen what it would replace. */
async function recover(): Promise<void> {
  const { namespace, from } = form.request() ?? {};
  const found = await client.ask("recover", [{ ...(namespace && { namespace }), ...(from && { from }) }]);
  if (found === null) {
    say(["The cluster does not tell what it was installed with."]);
    return;
  }
  const { showRecovery } = await import("./recovery-dialog.js");
  showRecovery(found, form.files.all(), {
    follow: (subject) => void follow(subject),
    use: () => form.files.replaceAll(found.text, "The request is what was recovered."),
  });
}

/** Makes edits in a file of the request, the last one where none is named, and plans again. */
async function applyEdits(edits: readonly Edit[], name?: string): Promise<void> {
  const file = form.files.named(name);
  try {
    form.files.replace(file, await client.ask("edit", [file.text, edits]));
    status.textContent = "The request was edited.";
  } catch (error) {
    say([error instanceof Error ? error.message : String(error)]);
  }
}

/** Opens what a subject names. */
async function follow(subject: Subject): Promise<void> {
  if (subject.kind !== undefined && subject.name !== undefined) {
    const { apiVersion = "", kind, name, namespace } = subject;
    const shown = await client.ask("object", [
      { apiVersion, kind, name, ...(namespace !== undefined && { namespace }) },
      subject.field,
    ]);
    await openObject(subject, shown);
  } else if (subject.file !== undefined && subject.line !== undefined) {
    form.files.goTo(subject.file, subject.line, subject.column);
  }
}

function showOutcome(answer: Overview): void {
  page.overview = answer;
  const own = page.planned !== undefined;
  page.live?.planned(own ? answer : undefined);
  form.mark(own ? answer : undefined);
  byId("forget").hidden = false;
  byId("remember-label").hidden = !own;
  document.body.classList.add("planned");
  draw(answer);
  status.textContent = `${answer.words.headline}: ${answer.words.verdict}`;
}

/** Draws an outcome, what went wrong above it. */
function draw(answer: Overview): void {
  const focused = (document.activeElement as HTMLElement | null)?.dataset["focus"];
  const inside = result.contains(document.activeElement);
  const trouble =
    page.problem !== undefined && problemView(page.problem, whatStays(page.problem), waysOut(page.problem));
  fill(
    result,
    fleet.element(),
    trouble,
    page.note !== undefined && el("p", { class: "note" }, page.note),
    outcomeView(answer, hooks()),
  );
  if (inside && focused !== undefined) {
    result.querySelector<HTMLElement>(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
}

function whatStays(problem: Problem): string {
  if (fileOf(problem, page.cluster.refused) === undefined) {
    return "What is below stays as it was.";
  }
  const left = page.cluster.files.length - page.cluster.refused.length;
  return fileOf(problem, page.cluster.releases) === undefined
    ? `The plan below is of the other ${count(left, "file")}.`
    : "The plan below goes without it.";
}

function waysOut(problem: Problem): WaysOut {
  const { files, releases } = page.cluster;
  const file = fileOf(problem, [...files, ...releases]);
  const stands = page.overview !== undefined;
  const isLast = file !== undefined && files.length === 1 && files[0] === file;
  return {
    leaveOut: file === undefined || isLast ? undefined : () => void reading.remove(file),
    again: isPanic(problem) && files.length > 0 ? () => void reading.readAfterDefect() : undefined,
    dismiss:
      stands && file === undefined
        ? () => {
            page.problem = undefined;
            if (page.overview !== undefined) {
              draw(page.overview);
            }
          }
        : undefined,
    startAgain: () => void startAgain(),
  };
}

function hooks(): Hooks {
  const own = page.planned !== undefined;
  return {
    state: page.view,
    planFor: own
      ? (version) => {
          form.setTarget(version);
          byId("target").focus();
          schedule();
        }
      : undefined,
    turnTo(tab) {
      page.view.tab = tab;
      hooks().turned("push");
      if (page.overview !== undefined) {
        draw(page.overview);
        result.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
      }
    },
    turned: (form) => (page.live === undefined && !isShared(location.hash) ? session.write(form) : undefined),
    choose: own ? form.choose : undefined,
    unprune: own ? form.unprune : undefined,
    pruned: { names: page.planned?.prune ?? [], orphans: page.planned?.pruneOrphans === true },
    toFinding,
    live: own,
    explain: (code) => client.ask("explain", [code]),
    apply: own ? (edits, file) => void attempt("Editing the request", () => applyEdits(edits, file)) : undefined,
    follow: own ? (subject) => void follow(subject) : undefined,
    object: (ref, field) => client.ask("object", [ref, field]),
    compare: (ref, everything) => client.ask("compare", [ref, everything]),
    subjects: (list, at, from) => client.ask("subjects", [list, at, from]),
    changeFields: (at) => client.ask("changeFields", [at]),
    restarts: (from, to) => client.ask("restarts", [from, to]),
    actions: (step, from, to) => client.ask("actions", [step, from, to]),
    keep,
    requestFiles: (page.planned?.files ?? []).map((it) => it.name),
    saveRequest: (name) => save(name, new Blob([form.files.named(name).text], { type: "application/yaml" })),
    // Nobody else reaches this machine's own address.
    share:
      page.live !== undefined
        ? undefined
        : async () => new URL(await toHash(await client.ask("redacted", [])), location.href.replace(/#.*$/, "")).href,
    command: page.planned === undefined ? "" : upgradeLine(page.planned),
    missingReleases: page.cluster.missingReleases,
  };
}

/** Goes to the card of a finding. */
function toFinding(at: number): void {
  if (page.view.tab !== "Findings") {
    page.view.tab = "Findings";
    hooks().turned("push");
  }
  page.view.levels.clear();
  page.view.word = "";
  if (page.overview !== undefined) {
    draw(page.overview);
    const card = document.getElementById(`findings-${at}`);
    card?.scrollIntoView({ block: "start" });
    card?.querySelector("h3")?.focus({ preventScroll: true });
  }
}

const ENDINGS: Record<Keep, string> = { json: ".json", markdown: ".md", html: ".html", sarif: ".sarif", plan: "" };

/** Makes a form of the outcome in the worker, and saves it. */
async function keep(kind: Keep): Promise<void> {
  await attempt("Writing", async () => {
    const blob = await client.ask("keep", [
      kind,
      page.planned,
      page.planned === undefined ? "" : upgradeLine(page.planned),
    ]);
    const name = `refit-${page.overview?.source.version ?? "unknown"}-to-${page.overview?.target.version ?? "unknown"}`;
    save(kind === "plan" ? "plan.json" : `${name}${ENDINGS[kind]}`, blob);
  });
}

/** Opens the outcome in the address, where there is one. */
async function openShared(): Promise<boolean> {
  if (!isShared(location.hash)) {
    return false;
  }
  await attempt("Opening the link", async () => showWithoutExport(await fromHash(location.hash), HANDED_ON));
  return true;
}

/** Shows an outcome whose export is not here, and says whose it is. */
async function showWithoutExport(text: string, note: string, { tab, object }: Place = {}): Promise<void> {
  const answer = await client.ask("open", [text]);
  page.cluster = noCluster(page.beside);
  page.planned = page.sample = undefined;
  page.note = note;
  page.view = { ...freshState(), ...(tab !== undefined && { tab }), object };
  form.setRecoverable(false);
  card.show(page.cluster);
  showOutcome(answer);
}

/** What is shown without an outcome: the fleet that is open, else what to begin with. */
function showWelcome(): void {
  const open = fleet.element();
  document.body.classList.toggle("planned", open !== undefined);
  fill(result, open ?? welcome.element);
  if (open !== undefined) {
    byId("forget").hidden = false;
  }
}

/** The lines that export exactly what a plan reads. */
async function showCommands(): Promise<void> {
  welcome.setCommands(await client.ask("required", [form.request() ?? { to: "" }]));
}

async function attempt(what: string, work: (progress: (it: Progress) => void) => Promise<void>): Promise<void> {
  page.doing += 1;
  result.setAttribute("aria-busy", "true");
  // What takes no time needs no word.
  const later = setTimeout(() => {
    card.busy(`${what} …`);
    showWorking(what);
  }, 150);
  try {
    await work((it) => {
      clearTimeout(later);
      card.progress(it);
      showWorking(what);
    });
  } catch (error) {
    if (!isCancelled(error)) {
      showProblem(error);
    }
  } finally {
    clearTimeout(later);
    page.doing -= 1;
    if (page.doing === 0) {
      card.idle();
      working.hidden = true;
      if (page.timer === undefined) {
        result.removeAttribute("aria-busy");
      }
    }
  }
}

/** Says what is done over an outcome that stands meanwhile, wherever the page is scrolled to. */
function showWorking(what: string): void {
  if (page.overview !== undefined && working.hidden) {
    fill(working.querySelector("span") ?? working, `${what} …`);
    working.hidden = false;
  }
}

/** Stops what the worker does. What it had read is gone; the files stay, and can be read again. */
function cancel(): void {
  client.reset();
  unschedule();
  page.turn += 1;
  page.cluster = { ...page.cluster, summary: undefined, coverage: undefined };
  page.overview = page.planned = undefined;
  card.show(page.cluster);
  form.setRecoverable(false);
  document.body.classList.remove("planned");
  fill(
    result,
    el(
      "div",
      { class: "empty", role: "status" },
      el("p", {}, "Cancelled."),
      el(
        "p",
        {},
        el(
          "button",
          { type: "button", on: { click: () => void reading.read() } },
          `Read ${count(page.cluster.files.length, "file")} again`,
        ),
      ),
    ),
  );
  result.querySelector("button")?.focus();
}

function showProblem(error: unknown): void {
  const problem = problemOf(error);
  if (page.overview !== undefined && !isPanic(problem)) {
    page.problem = problem;
    draw(page.overview);
    return;
  }
  fill(result, problemView(problem, undefined, waysOut(problem)));
  document.body.classList.add("planned");
  byId("forget").hidden = false;
  if (isPanic(problem) && !page.recovering && page.cluster.files.length > 0) {
    void reading.readAfterDefect();
  }
}

/** Starts again, once nothing that is worth something is lost by it. */
async function startAgain(): Promise<void> {
  const good = page.cluster.files.length - 1;
  if (
    (!form.isTyped() && good < 1) ||
    (await ask(
      "Start again?",
      "The files leave the list, and the request is emptied. The browser keeps nothing of them.",
      ["Keep what is here", "Start again"],
    )) === 1
  ) {
    await forget();
  }
}

async function forget(): Promise<void> {
  client.reset();
  unschedule();
  page.turn += 1;
  rememberBox.checked = false;
  await forgetRemembered();
  forgetKept();
  form.clear();
  fleet.clear();
  page.view = freshState();
  page.cluster = noCluster(page.beside);
  page.sample = page.note = page.problem = undefined;
  if (page.live === undefined) {
    writeAddress({}, "replace");
  }
  form.setReleases(await client.ask("releases", []));
  hideToast();
  byId("forget").hidden = true;
  byId("remember-label").hidden = true;
  showNothing();
  status.textContent = "Everything is forgotten.";
  byId("files").focus();
}

function showNothing(): void {
  page.overview = undefined;
  page.planned = undefined;
  page.live?.planned(undefined);
  form.setRecoverable(false);
  form.mark(undefined);
  card.show(page.cluster);
  showWelcome();
  void showCommands();
}

/** Newer facts of releases than the page has, where its operator put them beside it. */
async function findFacts(): Promise<void> {
  try {
    const facts = await factsBeside();
    if (facts !== undefined) {
      form.setReleases(await client.useFacts(facts));
      schedule();
    }
  } catch (error) {
    say([`facts.json beside this page is left out: ${error instanceof Error ? error.message : String(error)}`], true);
  }
}

/** Releases and clusters that the operator of this page put beside it. */
async function findBeside(): Promise<readonly Sample[]> {
  const real = await samplesBeside();
  page.samples = [...real, ...madeUp()];
  if (real.length > 0) {
    welcome.setSamples(page.samples);
  }
  const beside = await releasesBeside();
  if (beside !== undefined) {
    page.beside = beside;
    page.cluster = { ...page.cluster, beside: page.beside };
    card.show(page.cluster);
  }
  return page.samples;
}
