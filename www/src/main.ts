// The page: files in, a request beside them, the outcome out. All planning happens in the worker.

import type { Edit, PlanOptions, Progress, RequestFile, Subject } from "refit-planner";

import { Client, PlannerProblem } from "./client.js";
import { makeClusterCard } from "./cluster-card.js";
import { byId, el, fill } from "./dom.js";
import { makeForm } from "./form.js";
import { type Taken, purpose } from "./intake.js";
import { listenForFiles, listenForTheme, takeText } from "./listen.js";
import { openObject } from "./object-dialog.js";
import { keepOffline } from "./offline.js";
import type { Keep, NamedBlob, Overview, Problem } from "./protocol.js";
import { forgetRemembered, remember, remembered } from "./remembered.js";
import { factsBeside, releasesBeside } from "./beside.js";
import { FILE } from "./request-files.js";
import { type Sample, beside as samplesBeside, madeUp } from "./samples.js";
import { fromHash, isShared, toHash } from "./share.js";
import { upgradeLine } from "./shell.js";
import { hideToast, offerUndo, say } from "./toast.js";
import { freshPage, noCluster } from "./state.js";
import { type Hooks, freshState } from "./view/hooks.js";
import { outcomeView } from "./view/outcome.js";
import { makeWelcome } from "./welcome.js";
import { count } from "./words.js";

const client = new Client();
const form = makeForm({
  changed: () => schedule(),
  recover: () => void attempt("Recovering the settings", recover),
  apply: (fix, file) => void attempt("Editing the request", () => applyEdits(fix.edits, file.name)),
  undoable: offerUndo,
  fields: (version, path) => client.ask("fields", [version, path]),
});
const card = makeClusterCard({
  take: (taken) => void take(taken),
  remove: (file) => void remove(file),
  paste: () =>
    void navigator.clipboard.readText().then(
      (text) => takeText(text, listeners),
      () => say(["Press Ctrl+V anywhere outside a field to paste."]),
    ),
  cancel,
});
const welcome = makeWelcome((sample) => void useSample(sample));
const result = byId("result");
const status = byId("status");
const rememberBox = byId("remember") as HTMLInputElement;

const page = freshPage();
const listeners = {
  take: (taken: Taken): void => void take(taken),
  failed: showProblem,
  taken: () => [...page.cluster.files, ...page.cluster.releases].map((it) => it.name),
};

start();

function start(): void {
  fill(byId("input"), card.element, form.element);
  card.show(page.cluster);
  showWelcome();
  listenForFiles(listeners);
  listenForTheme();
  byId("forget").addEventListener("click", () => void forget());
  rememberBox.addEventListener("change", () => void (rememberBox.checked ? keepSession() : forgetRemembered()));
  addEventListener("hashchange", () => void openShared());
  void client.ask("releases", []).then((it) => {
    form.setReleases(it);
    return showCommands();
  }, showProblem);
  welcome.setSamples(madeUp());
  if (/^#(token=|live$)/.test(location.hash)) {
    void goLive();
  } else {
    void findBeside();
    void findFacts();
    void keepOffline((...content) => say(content, true));
  }
  void openShared().then((shared) => (shared ? undefined : offerSession()));
}

/** Connects the page to the `refit serve` that serves it: it has the cluster and the releases. Nothing is kept for use without it: another server may have its port next. */
async function goLive(): Promise<void> {
  const { startLive } = await import("./live/live.js");
  welcome.setLive();
  page.live = await startLive({
    request: () => form.request(),
    setRequest: ({ to, ...rest }) =>
      form.setRequest({ to: to === undefined || to === "" ? (form.request()?.to ?? "") : to, ...rest }),
    take,
    attempt,
  }).catch(() => undefined);
  schedule();
}

/** Takes files of any kind: adds exports and releases, puts IstioOperator files behind those that are there. */
async function take({ files: added, passedOver }: Taken): Promise<void> {
  const exported: NamedBlob[] = [];
  const archives: NamedBlob[] = [];
  const operators: RequestFile[] = [];
  for (const file of added) {
    switch (await purpose(file)) {
      case "export":
        exported.push(file);
        break;
      case "release":
        archives.push(file);
        break;
      case "operator":
        operators.push({ name: file.name, text: await file.blob.text() });
        break;
    }
  }
  await form.files.take(operators);
  const names = new Set([...exported, ...archives].map((it) => it.name));
  const named = new Set(passedOver.map((it) => it.file));
  const others = (all: readonly NamedBlob[]): NamedBlob[] => all.filter((it) => !names.has(it.name));
  page.cluster = {
    ...page.cluster,
    files: [...others(page.cluster.files), ...exported],
    releases: [...others(page.cluster.releases), ...archives],
    passedOver: [...page.cluster.passedOver.filter((it) => !named.has(it.file)), ...passedOver],
  };
  card.show(page.cluster);
  if (exported.length > 0) {
    await read();
  } else if (archives.length > 0 && page.cluster.summary !== undefined) {
    await attempt("Reading the release", async (progress) => {
      await client.ask("addReleases", [archives], progress);
      await plan(progress);
    });
  }
}

/** Takes a file out again. */
async function remove(file: NamedBlob): Promise<void> {
  page.cluster = {
    ...page.cluster,
    files: page.cluster.files.filter((it) => it !== file),
    releases: page.cluster.releases.filter((it) => it !== file),
  };
  if (page.cluster.files.length > 0) {
    await read();
  } else {
    client.reset();
    page.cluster = { ...page.cluster, summary: undefined, coverage: undefined, missingReleases: [] };
    showNothing();
  }
}

/** Reads everything that is at hand, and plans. */
async function read(): Promise<void> {
  if (isShared(location.hash)) {
    history.replaceState(null, "", location.pathname + location.search);
  }
  page.fetched = new Set();
  page.cluster = { ...page.cluster, summary: undefined, coverage: undefined, missingReleases: [] };
  await attempt("Reading the export", async (progress) => {
    const summary = await client.ask("read", [[...page.cluster.files]], progress);
    page.cluster = { ...page.cluster, summary };
    card.show(page.cluster);
    if (page.cluster.releases.length > 0) {
      await client.ask("addReleases", [[...page.cluster.releases]], progress);
    }
    form.setRecoverable(true);
    await plan(progress);
  });
}

/** Plans a moment after the last change of the request. */
function schedule(): void {
  unschedule();
  if (page.cluster.summary !== undefined) {
    result.setAttribute("aria-busy", "true");
    page.timer = setTimeout(() => {
      page.timer = undefined;
      void attempt("Planning", plan);
    }, 250);
  } else {
    void showCommands();
  }
}

function unschedule(): void {
  clearTimeout(page.timer);
  page.timer = undefined;
  if (page.doing === 0) {
    result.removeAttribute("aria-busy");
  }
}

async function plan(progress: (it: Progress) => void): Promise<void> {
  const request = form.request();
  if (request === undefined || page.cluster.summary === undefined) {
    return;
  }
  page.turn += 1;
  const mine = page.turn;
  await fetchBeside(request, progress);
  const [needed, coverage, answer] = await Promise.all([
    client.ask("releasesFor", [request]),
    client.ask("missing", [request]),
    client.ask("plan", [request]),
  ]);
  const memory = await client.ask("memory", []);
  if (mine !== page.turn) {
    return;
  }
  const have = new Set([
    ...page.fetched,
    ...page.cluster.releases.map((it) => /istio-(\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)[.\d]*)?)/.exec(it.name)?.[1] ?? ""),
  ]);
  page.cluster = { ...page.cluster, coverage, memory, missingReleases: needed.filter((it) => !have.has(it)) };
  page.planned = request;
  card.show({ ...page.cluster, beside: [...page.cluster.beside, ...page.fetched] });
  showOutcome(answer);
  if (rememberBox.checked) {
    await keepSession();
  }
}

/** Fetches the target's and the source's release where they lie beside the page, or where `refit serve` has them. */
async function fetchBeside(request: PlanOptions, progress: (it: Progress) => void): Promise<void> {
  const needed = await client.ask("releasesFor", [request]);
  const into = page.fetched;
  for (const version of needed.filter(
    (it) => !into.has(it) && !page.cluster.releases.some((file) => file.name.includes(`istio-${it}`)),
  )) {
    if (page.cluster.beside.includes(version)) {
      await client.ask("fetchRelease", [new URL(`./releases/istio-${version}.tar.gz`, location.href).href], progress);
      into.add(version);
    } else if (page.live !== undefined && !page.live.lacks.has(version)) {
      // What refit cannot get either is asked for in the page, as ever.
      await client.ask("fetchRelease", [page.live.releaseAddress(version)], progress).then(
        () => into.add(version),
        () => page.live?.lacks.add(version),
      );
    }
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
  const focused = (document.activeElement as HTMLElement | null)?.dataset["focus"];
  const inside = result.contains(document.activeElement);
  fill(result, !own && sharedNote(), outcomeView(answer, hooks()));
  if (inside && focused !== undefined) {
    result.querySelector<HTMLElement>(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
  status.textContent = `${answer.words.headline}: ${answer.words.verdict}`;
}

function hooks(): Hooks {
  const own = page.planned !== undefined;
  return {
    state: page.view,
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

function save(name: string, blob: Blob): void {
  const address = URL.createObjectURL(blob);
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Opens the outcome in the address, where there is one. */
async function openShared(): Promise<boolean> {
  if (!isShared(location.hash)) {
    return false;
  }
  await attempt("Opening the link", async () => showHandedOn(await fromHash(location.hash)));
  return true;
}

async function showHandedOn(text: string): Promise<void> {
  const answer = await client.ask("open", [text]);
  page.cluster = noCluster(page.beside);
  page.planned = undefined;
  page.view = freshState();
  form.setRecoverable(false);
  card.show(page.cluster);
  showOutcome(answer);
}

function sharedNote(): HTMLElement {
  return el(
    "p",
    { class: "note" },
    "This outcome was handed on: names and findings, no values and no manifests. Drop an export to plan one of your own.",
  );
}

async function keepSession(): Promise<void> {
  if (page.planned !== undefined) {
    const { to, files, sets, from, namespace, force } = page.planned;
    const request = {
      to,
      ...(files && { files }),
      ...(sets && { sets }),
      ...(from && { from }),
      ...(namespace && { namespace }),
      ...(force && { force }),
    };
    await remember({
      request,
      outcome: await client.ask("redacted", []),
      files: page.cluster.files.map((it) => it.name),
      day: new Date().toISOString().slice(0, 10),
    });
  }
}

/** Offers what was kept of the last time. */
async function offerSession(): Promise<void> {
  const session = await remembered().catch(() => undefined);
  if (session === undefined) {
    return;
  }
  rememberBox.checked = true;
  byId("remember-label").hidden = false;
  byId("forget").hidden = false;
  const open = (): void => {
    hideToast();
    form.setRequest(session.request);
    void attempt("Opening the last session", () => showHandedOn(session.outcome));
  };
  say(
    [
      `You planned ${session.request.to} here on ${session.day}.`,
      el("button", { type: "button", on: { click: open } }, "Open it"),
    ],
    true,
  );
}

function showWelcome(): void {
  document.body.classList.remove("planned");
  fill(result, welcome.element);
}

/** The lines that export exactly what a plan reads. */
async function showCommands(): Promise<void> {
  welcome.setCommands(await client.ask("required", [form.request() ?? { to: "" }]));
}

async function useSample(sample: Sample): Promise<void> {
  await attempt("Fetching the sample", async () => {
    const { files, releases, request } = await sample.load();
    page.cluster = { ...noCluster(page.beside), files, releases };
    form.clear();
    form.setTarget(sample.to);
    form.files.load(request === "" ? [] : [{ name: FILE, text: request }]);
  });
  unschedule();
  page.view = freshState();
  await read();
}

async function attempt(what: string, work: (progress: (it: Progress) => void) => Promise<void>): Promise<void> {
  page.doing += 1;
  result.setAttribute("aria-busy", "true");
  // What takes no time needs no word.
  const later = setTimeout(() => card.busy(`${what} …`), 150);
  try {
    await work((it) => {
      clearTimeout(later);
      card.progress(it);
    });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) {
      showProblem(error);
    }
  } finally {
    clearTimeout(later);
    page.doing -= 1;
    if (page.doing === 0) {
      card.idle();
      if (page.timer === undefined) {
        result.removeAttribute("aria-busy");
      }
    }
  }
}

/** Stops what the worker does. What it had read is gone; the files stay, and can be read again. */
function cancel(): void {
  client.reset();
  unschedule();
  page.turn += 1;
  page.cluster = { ...page.cluster, summary: undefined, coverage: undefined };
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
          { type: "button", on: { click: () => void read() } },
          `Read ${count(page.cluster.files.length, "file")} again`,
        ),
      ),
    ),
  );
}

function showProblem(error: unknown): void {
  const problem: Problem =
    error instanceof PlannerProblem
      ? error.problem
      : { name: "Error", message: error instanceof Error ? error.message : String(error) };
  const lost = problem.name === "PlannerPanic";
  const again = lost && !page.recovering && page.cluster.files.length > 0;
  fill(
    result,
    el(
      "div",
      { class: "verdict error", role: "alert" },
      el("span", { class: "verdict-icon", "aria-hidden": "true" }, "!"),
      el(
        "div",
        {},
        el("h1", {}, problem.file === undefined ? "That did not work" : "This file cannot be read"),
        problem.file !== undefined &&
          el("p", {}, el("code", {}, `${problem.file}:${problem.line ?? 0}:${problem.column ?? 0}`)),
        el("p", { class: "verdict-line" }, problem.message),
        problem.file !== undefined &&
          el("p", { class: "hint" }, "The other files stay: take this one out of the list, or drop it again."),
        el(
          "p",
          {},
          again && el("button", { type: "button", on: { click: () => void readAnew() } }, "Read the files again"),
          el("button", { type: "button", on: { click: () => void forget() } }, "Start again"),
        ),
      ),
    ),
  );
  document.body.classList.add("planned");
  byId("forget").hidden = false;
  if (again) {
    void readAnew();
  }
}

/** After a defect the planner starts afresh: what was read is read again, once. */
async function readAnew(): Promise<void> {
  page.recovering = true;
  client.reset();
  await read();
  page.recovering = false;
}

async function forget(): Promise<void> {
  client.reset();
  unschedule();
  page.turn += 1;
  rememberBox.checked = false;
  await forgetRemembered();
  form.clear();
  page.view = freshState();
  page.cluster = noCluster(page.beside);
  history.replaceState(
    null,
    "",
    `${location.pathname}${location.search}${page.live === undefined ? "" : location.hash}`,
  );
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
async function findBeside(): Promise<void> {
  const real = await samplesBeside();
  if (real.length > 0) {
    welcome.setSamples([...real, ...madeUp()]);
  }
  const beside = await releasesBeside();
  if (beside !== undefined) {
    page.beside = beside;
    page.cluster = { ...page.cluster, beside: page.beside };
    card.show(page.cluster);
  }
}
