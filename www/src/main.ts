// The page: files in, a request beside them, the outcome out. All planning happens in the worker.

import type { Outcome, PlanOptions, Progress, Summary } from "refit-planner";

import { Client, PlannerProblem, ownScript } from "./client.js";
import { byId, copyButton, el, fill } from "./dom.js";
import { downloads } from "./download.js";
import { makeForm } from "./form.js";
import { dropped, pasted, picked, purpose } from "./intake.js";
import type { NamedBlob, Planned, Problem } from "./protocol.js";
import { SAMPLES, loadSample } from "./samples.js";
import { outcomeView } from "./view/outcome.js";
import { count, size } from "./words.js";

const client = new Client();
const form = makeForm(
  () => schedule(),
  () => void attempt(recover),
);
const cluster = el("section", { class: "card" });
const result = byId("result");
const toast = byId("toast");

/** The export, the releases and what was read of them. */
let files: NamedBlob[] = [];
let releases: NamedBlob[] = [];
let summary: Summary | undefined;
let beside: string[] = [];
let tab = "Findings";
let turn = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

start();

function start(): void {
  fill(byId("input"), cluster, form.element);
  showCluster();
  showWelcome();
  listenForFiles();
  listenForTheme();
  byId("forget").addEventListener("click", forget);
  void client.ask("releases", []).then((it) => {
    form.setReleases(it);
    return showCommands();
  }, showProblem);
  void findReleasesBeside();
  void keepOffline();
}

/** Takes files of any kind: adds exports and releases, puts an IstioOperator file into the editor. */
async function take(added: readonly NamedBlob[]): Promise<void> {
  const exported: NamedBlob[] = [];
  const archives: NamedBlob[] = [];
  for (const file of added) {
    switch (await purpose(file)) {
      case "export":
        exported.push(file);
        break;
      case "release":
        archives.push(file);
        break;
      case "operator":
        form.setFile(await file.blob.text());
        break;
    }
  }
  const names = new Set([...exported, ...archives].map((it) => it.name));
  releases = [...releases.filter((it) => !names.has(it.name)), ...archives];
  if (exported.length > 0) {
    files = [...files.filter((it) => !names.has(it.name)), ...exported];
    await read();
  } else if (archives.length > 0 && summary !== undefined) {
    await attempt(async (progress) => {
      await client.ask("addReleases", [archives], progress);
      await plan();
    });
  } else {
    showCluster();
  }
}

/** Reads the export and plans. */
async function read(): Promise<void> {
  fetched.clear();
  summary = undefined;
  await attempt(async (progress) => {
    summary = await client.ask("read", [files], progress);
    showCluster();
    if (releases.length > 0) {
      await client.ask("addReleases", [releases], progress);
    }
    await plan();
  });
}

/** Plans a moment after the last change of the request. */
function schedule(): void {
  clearTimeout(timer);
  if (summary !== undefined) {
    timer = setTimeout(() => void attempt(plan), 250);
  }
}

async function plan(): Promise<void> {
  const request = form.request();
  if (request === undefined || summary === undefined) {
    return;
  }
  turn += 1;
  const mine = turn;
  await fetchBeside(request);
  const planned = await client.ask("plan", [request]);
  if (mine === turn) {
    showOutcome(planned, request);
  }
}

/** Puts what the cluster was installed with into the editor. */
async function recover(): Promise<void> {
  const { namespace, from } = form.request() ?? {};
  const found = await client.ask("recover", [{ ...(namespace && { namespace }), ...(from && { from }) }]);
  if (found === null) {
    say("The cluster does not tell what it was installed with.");
  } else {
    form.setFile(found.text);
  }
}

/** Says something in passing. */
function say(text: string): void {
  fill(toast, text);
  toast.hidden = false;
  setTimeout(() => (toast.hidden = true), 5000);
}

async function attempt(work: (progress: (it: Progress) => void) => Promise<void>): Promise<void> {
  try {
    await work(showProgress);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "AbortError")) {
      showProblem(error);
    }
  }
}

function showOutcome({ text, words }: Planned, request: PlanOptions): void {
  const outcome = JSON.parse(text) as Outcome;
  const command = commandLine(request);
  form.mark(outcome);
  byId("forget").hidden = false;
  document.body.classList.add("planned");
  fill(
    result,
    outcomeView(outcome, words, {
      explain: (code) => client.ask("explain", [code]),
      keep: (lines) => form.addSets(lines),
      command,
      downloads: downloads(outcome, words, text, command),
      tab,
      onTab: (name) => (tab = name),
    }),
  );
}

/** What performs the plan in a terminal. */
function commandLine({ to, files: given, sets }: PlanOptions): string {
  const quoted = (sets ?? []).map((it) => ` --set '${it.replaceAll("'", "'\\''")}'`);
  return `refit upgrade --to ${to}${(given ?? []).map((it) => ` -f ${it.name}`).join("")}${quoted.join("")}`;
}

function showWelcome(): void {
  const samples = Object.entries(SAMPLES).map(([name, it]) =>
    el(
      "button",
      { type: "button", class: "sample", on: { click: () => void useSample(name) } },
      el("strong", {}, it.title),
      el("span", {}, it.about),
    ),
  );
  fill(
    result,
    el(
      "div",
      { class: "welcome" },
      el("h1", {}, "Can this cluster be upgraded in place?"),
      el(
        "p",
        { class: "lead" },
        "Export what the cluster holds, drop it here, and read the verdict: what stands against the upgrade, which defaults change, " +
          "which of your settings would be lost, what restarts, and every step in order.",
      ),
      el("ol", { class: "how", id: "commands" }),
      el("h2", {}, "Or look at a cluster of ours"),
      el("div", { class: "samples" }, samples),
    ),
  );
}

/** The lines that export exactly what a plan reads. */
async function showCommands(): Promise<void> {
  const needs = await client.ask("required", [form.request() ?? { to: "" }]);
  const all = needs.commands.join("\n");
  const list = document.getElementById("commands");
  if (list !== null) {
    fill(
      list,
      el("li", {}, "Run this where kubectl reaches the cluster. It reads no Secrets.", copyButton(all, "Copy all"), el("pre", { tabindex: 0 }, all)),
      el("li", {}, "Drop the files anywhere on this page."),
      el("li", {}, "Choose the version to go to."),
    );
  }
}

async function useSample(name: string): Promise<void> {
  const { files: exported, request } = await loadSample(name);
  files = exported;
  form.setTarget(SAMPLES[name]?.to ?? "");
  form.setFile(request);
  await read();
}

function showCluster(): void {
  form.setRecoverable(summary !== undefined);
  const picker = el("input", { type: "file", id: "files", multiple: true, class: "hidden-input" });
  const folder = el("input", { type: "file", id: "folder", webkitdirectory: true, class: "hidden-input" });
  for (const input of [picker, folder]) {
    input.addEventListener("change", () => void take(picked(input.files ?? [])));
  }
  fill(
    cluster,
    el("h2", {}, "Cluster"),
    el(
      "div",
      { class: "drop" },
      el("p", {}, files.length === 0 ? "Drop the export here" : "Drop more here"),
      el("p", { class: "hint" }, "YAML, JSON, .tar.gz, folders, istioctl bug-report"),
      el("p", {}, el("label", { for: "files", class: "button" }, "Choose files"), el("label", { for: "folder", class: "button" }, "Choose a folder")),
      picker,
      folder,
    ),
    el("progress", { id: "progress", hidden: true, "aria-label": "Reading" }),
    files.length > 0 &&
      el("ul", { class: "files" }, [...files, ...releases].map((it) => el("li", {}, it.name, el("span", { class: "place" }, size(it.blob.size))))),
    summary !== undefined && summaryView(summary),
    el("p", { class: "hint" }, releasesHint()),
  );
}

function releasesHint(): string {
  const names = [...releases.map((it) => it.name.replace(/^.*\//, "")), ...beside.map((it) => `Istio ${it}`)];
  return names.length > 0
    ? `Releases at hand: ${names.join(", ")}.`
    : "For the objects that change, also drop the release archives of both versions, as downloaded from Istio (istio-VERSION….tar.gz).";
}

function summaryView(it: Summary): HTMLElement {
  const total = Object.values(it.kinds).reduce((sum, number) => sum + number, 0);
  const rows = Object.entries(it.kinds).map(([kind, number]) => el("li", {}, kind.replace(/^.*\//, ""), el("span", { class: "number" }, number)));
  return el(
    "div",
    { class: "summary" },
    el("p", {}, `${count(total, "object")} of ${count(rows.length, "kind")}, Kubernetes ${it.kubernetes ?? "unknown"}`),
    !it.managedFields && el("p", { class: "hint warn" }, "Exported without --show-managed-fields: who owns which field stays unknown."),
    it.kubernetes === null && el("p", { class: "hint warn" }, "Without `kubectl version -o json` the server's version stays unknown."),
    el("details", {}, el("summary", {}, "What was read"), el("ul", { class: "kinds" }, rows)),
  );
}

function showProgress({ name, bytes, total }: Progress): void {
  const bar = byId("progress") as HTMLProgressElement;
  bar.hidden = total !== undefined && bytes >= total;
  bar.title = name;
  if (total === undefined) {
    bar.removeAttribute("value");
  } else {
    bar.max = total;
    bar.value = bytes;
  }
}

function showProblem(error: unknown): void {
  const problem: Problem = error instanceof PlannerProblem ? error.problem : { name: "Error", message: String(error) };
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
        problem.file !== undefined && el("p", {}, el("code", {}, `${problem.file}:${problem.line ?? 0}:${problem.column ?? 0}`)),
        el("p", { class: "verdict-line" }, problem.message),
        el("p", {}, el("button", { type: "button", on: { click: forget } }, "Start again")),
      ),
    ),
  );
}

function forget(): void {
  client.reset();
  clearTimeout(timer);
  files = [];
  releases = [];
  summary = undefined;
  tab = "Findings";
  form.setFile("");
  byId("forget").hidden = true;
  document.body.classList.remove("planned");
  showCluster();
  showWelcome();
  void showCommands();
}

function listenForFiles(): void {
  const veil = byId("drop-veil");
  addEventListener("dragenter", (event) => {
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener("dragover", (event) => event.preventDefault());
  veil.addEventListener("dragleave", () => (veil.hidden = true));
  addEventListener("drop", (event) => {
    event.preventDefault();
    veil.hidden = true;
    if (event.dataTransfer !== null) {
      void dropped(event.dataTransfer).then(take, showProblem);
    }
  });
  addEventListener("paste", (event) => {
    const inField = event.composedPath().some((it) => it instanceof HTMLElement && (it.isContentEditable || /^(INPUT|TEXTAREA)$/.test(it.tagName)));
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!inField && text.trim() !== "") {
      void take([pasted(text)]);
    }
  });
}

function listenForTheme(): void {
  const root = document.documentElement;
  byId("theme").addEventListener("click", () => {
    const dark = root.dataset["theme"] === undefined ? matchMedia("(prefers-color-scheme: dark)").matches : root.dataset["theme"] === "dark";
    root.dataset["theme"] = dark ? "light" : "dark";
  });
}

/** Releases that the operator of this page put beside it. */
async function findReleasesBeside(): Promise<void> {
  const response = await fetch("./releases/index.json").catch(() => undefined);
  if (response?.ok === true && response.headers.get("content-type")?.includes("json") === true) {
    beside = ((await response.json()) as { versions: string[] }).versions;
    showCluster();
  }
}

const fetched = new Set<string>();

/** Fetches the target's and the source's release where they lie beside the page. */
async function fetchBeside(request: PlanOptions): Promise<void> {
  const needed = await client.ask("releasesFor", [request]);
  for (const version of needed.filter((it) => beside.includes(it) && !fetched.has(it))) {
    fetched.add(version);
    await client.ask("fetchRelease", [new URL(`./releases/istio-${version}.tar.gz`, location.href).href], showProgress);
  }
}

/** Keeps the page for use without a network, and offers a new version when there is one. */
async function keepOffline(): Promise<void> {
  if (!("serviceWorker" in navigator) || import.meta.env.DEV) {
    return;
  }
  const registration = await navigator.serviceWorker.register(ownScript("./sw.js")).catch(() => undefined);
  const offer = (): void => {
    const waiting = registration?.waiting;
    if (waiting !== null && waiting !== undefined && navigator.serviceWorker.controller !== null) {
      const update = (): void => {
        navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
        waiting.postMessage("update");
      };
      fill(toast, "A new version of this page is ready.", el("button", { type: "button", on: { click: update } }, "Reload"));
      toast.hidden = false;
    }
  };
  offer();
  registration?.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", offer));
}
