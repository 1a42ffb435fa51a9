/**
 * Plans in-place upgrades and downgrades of Istio from a cluster's export.
 *
 * Everything happens here: nothing is sent anywhere.
 */

import type {
  DefaultsRequest,
  Description,
  Explanation,
  KnownField,
  Recovery,
  Release,
  RenderRequest,
  Rendered,
  Requirement,
} from "./border.js";
import { Cluster, type PlanOptions } from "./cluster.js";
import * as check from "./check.js";
import { type Contents, type FeedOptions, type NamedContent, type SignalLike, feed } from "./content.js";
import * as engine from "./engine.js";
import { call, enter, instance, leave, start } from "./engine.js";
import type { DefaultChange, Edit, Outcome } from "./outcome.js";
import { fetchStream } from "./wasm/planner.js";

export { Cluster, type PlanOptions } from "./cluster.js";
export type {
  Agenda,
  Choice,
  Comparison,
  Coverage,
  Description,
  Diagnostic,
  Explanation,
  Gap,
  KnownField,
  Recovery,
  Release,
  Rendered,
  Requirement,
  ShownObject,
  Summary,
  Weight,
} from "./border.js";
export type {
  BlobLike,
  Content,
  Contents,
  FeedOptions,
  NamedContent,
  Progress,
  SignalLike,
  StreamLike,
} from "./content.js";
export { InputError, PlannerPanic, RequestError } from "./errors.js";
export type { Request, RequestFile } from "./input.js";
export type * as FleetDocument from "./fleet.js";
export type * from "./outcome.js";

/**
 * Starts the planner from a module that the caller has: its bytes, its address (a `URL` or a text) or a compiled
 * `WebAssembly.Module`. Needed only where the module does not lie beside the script: CommonJS bundles, edge runtimes,
 * single files. Call it first; once the planner runs, this does nothing.
 */
export async function init(source: object | string): Promise<void> {
  if (source === undefined || source === null) {
    throw new TypeError(`the module must be bytes, an address or a WebAssembly.Module, not ${source}`);
  }
  await engine.start(source);
}

/** Bytes of memory that the planner has taken; 0 before it was started. */
export function memoryBytes(): number {
  return engine.memoryBytes();
}

/** Everything that a plan depends on. */
export interface PlanInput extends PlanOptions, FeedOptions {
  /** The cluster's export, as `kubectl get` wrote it. */
  cluster: Contents;
  /** Releases for what needs rendering, or manifests that they rendered already: the target's and the source's. */
  releases?: Contents;
  /** Newer facts of releases than the module has, as `refit facts -o json` prints them; older ones are refused. */
  facts?: string;
}

/** Plans an upgrade or a downgrade. */
export async function plan(input: PlanInput): Promise<Outcome> {
  return JSON.parse(await planText(input)) as Outcome;
}

/** Plans like `plan` and returns the outcome's text, byte by byte what `refit plan -o json` prints. */
export async function planText(input: PlanInput): Promise<string> {
  const { cluster: contents, releases, facts, onProgress, signal, ...options } = check.object(input, "the input");
  check.request(options, true);
  check.optionalText(facts, "`facts`");
  const cluster = await Cluster.read(contents, { onProgress, signal });
  try {
    await cluster.addReleases(releases ?? [], { onProgress, signal });
    if (facts !== undefined) {
      cluster.useFacts(facts);
    }
    return cluster.planText(options);
  } finally {
    cluster.close();
  }
}

/** What `recover` reads. */
export interface RecoverInput extends FeedOptions {
  /** The cluster's export, as `kubectl get` wrote it. */
  cluster: Contents;
  /** The namespace of the control plane that is meant, where there are several. */
  namespace?: string;
  /** The version that runs, where the export does not tell. */
  from?: string;
  /** The source's release: with it, older releases tell more, and the result is compared with the cluster. */
  releases?: Contents;
}

/** Recovers the request that reproduces an installation; `null` where no control plane, or not its version, is known. */
export async function recover(input: RecoverInput): Promise<Recovery | null> {
  const { cluster: contents, releases, onProgress, signal, ...options } = check.object(input, "the input");
  check.request(options, false);
  const cluster = await Cluster.read(contents, { onProgress, signal });
  try {
    await cluster.addReleases(releases ?? [], { onProgress, signal });
    return cluster.recover(options);
  } finally {
    cluster.close();
  }
}

/** Says what a finding's code means, why it matters and how to settle it; `undefined` for what is no code. */
export async function explain(code: string): Promise<string | undefined> {
  check.text(code, "the code");
  await start();
  return call((planner) => planner.explain(code));
}

/** Explains all codes: those of findings, then those of notes. */
export async function codes(): Promise<Explanation[]> {
  await start();
  return JSON.parse(call((planner) => planner.codes())) as Explanation[];
}

/** The releases of Istio that are known, oldest first; `newer` facts (see `facts`) bring later dates than the module has. */
export async function releases(newer?: string): Promise<Release[]> {
  check.optionalText(newer, "the facts");
  await start();
  return JSON.parse(call((planner) => planner.releases(newer))) as Release[];
}

/** The facts of releases that the module has, as JSON: what `refit facts -o json` prints, and the format of newer ones. */
export async function facts(): Promise<string> {
  await start();
  return call((planner) => planner.facts());
}

/** A profile of a minor release (`profile("1.30", "demo")`), `null` where there is none of this name. */
export async function profile(minor: string, name: string): Promise<unknown> {
  check.text(minor, "the minor");
  check.text(name, "the profile's name");
  await start();
  return JSON.parse(call((planner) => planner.profile(minor, name)));
}

/** Tells what has to be there before a request can be planned. */
export async function required(request: PlanOptions): Promise<Requirement> {
  const { asOf: _, ...typed } = check.request(request, true);
  const asked = check.json(typed, "the request");
  await start();
  return JSON.parse(call((planner) => planner.required(asked))) as Requirement;
}

/** Fetches a release archive that lies beside the page, as a stream for `releases`. Browsers only. */
export async function fetchRelease(url: string, signal?: SignalLike): Promise<NamedContent> {
  check.text(url, "the address");
  await start();
  const content = await fetchStream(url, signal as AbortSignal | undefined);
  return { name: url.slice(url.lastIndexOf("/") + 1), content };
}

/** What `renderManifests` renders. */
export interface RenderOptions extends FeedOptions, RenderRequest {
  /** The release, as downloaded from Istio. */
  release: NamedContent;
}

/** Renders a release's manifests as its own `istioctl manifest generate` does. */
export async function renderManifests(options: RenderOptions): Promise<Rendered> {
  const { release, onProgress, signal, ...asked } = check.object(options, "the options");
  check.text(check.object(release, "`release`").name, "`release.name`");
  if (asked.files !== undefined) {
    check.files(asked.files);
  }
  if (asked.sets !== undefined) {
    check.texts(asked.sets, "`sets`");
  }
  check.optionalFlag(asked.force, "`force`");
  check.optionalText(asked.kubernetes, "`kubernetes`");
  await start();
  const renderer = call((planner) => new planner.Renderer(release.name));
  const used = instance();
  let rendered = false;
  enter();
  try {
    await feed(release, (bytes) => call(() => renderer.push(bytes)), { onProgress, signal });
    rendered = true;
    return JSON.parse(call(() => renderer.render(asked))) as Rendered;
  } finally {
    if (!rendered && used === instance()) {
      renderer.free();
    }
    leave(used);
  }
}

/** Two releases to compare. */
export type DefaultsOptions = Pick<DefaultsRequest, "platform" | "compatibilityVersion">;

/** Lists the defaults that differ between two releases (`1.29.6`, `1.30.3`) for a profile. */
export async function defaults(
  from: string,
  to: string,
  profile = "default",
  options: DefaultsOptions = {},
): Promise<DefaultChange[]> {
  check.text(from, "the first version");
  check.text(to, "the second version");
  check.text(profile, "the profile");
  check.optionalText(check.object(options, "the options").platform, "`platform`");
  check.optionalText(options.compatibilityVersion, "`compatibilityVersion`");
  await start();
  return JSON.parse(call((planner) => planner.defaults({ from, to, profile, ...options }))) as DefaultChange[];
}

/** Says an outcome in words. */
export async function describe(outcome: Outcome): Promise<Description> {
  const written = check.json(check.object(outcome, "the outcome"), "the outcome");
  await start();
  return JSON.parse(call((planner) => planner.describe(written))) as Description;
}

/**
 * Writes an outcome as one HTML file in which nothing runs and which asks for nothing, as `refit plan -o html` does;
 * `command` is shown above the steps, as what performs them.
 */
export async function html(outcome: Outcome, command = ""): Promise<string> {
  const written = check.json(check.object(outcome, "the outcome"), "the outcome");
  check.text(command, "the command");
  await start();
  return call((planner) => planner.html(written, command));
}

/** Writes an outcome as SARIF 2.1.0, which code scanning and editors read. */
export async function sarif(outcome: Outcome): Promise<string> {
  const written = check.json(check.object(outcome, "the outcome"), "the outcome");
  await start();
  return call((planner) => planner.sarif(written));
}

/** Returns an outcome that can be handed on: without manifests and without any value of the cluster or the request. */
export async function redacted(outcome: Outcome): Promise<Outcome> {
  const written = check.json(check.object(outcome, "the outcome"), "the outcome");
  await start();
  return JSON.parse(call((planner) => planner.redacted(written))) as Outcome;
}

/** Lists the fields that a release (`1.30.3`) knows at a path (`["spec", "values", "pilot"]`, elements of lists as `-`). */
export async function fields(version: string, path: readonly string[]): Promise<KnownField[]> {
  check.text(version, "the version");
  const place = check.json(check.texts(path, "the path"), "the path");
  await start();
  return JSON.parse(call((planner) => planner.fields(version, place))) as KnownField[];
}

/**
 * Makes the edits of a finding's fix in the text of an `IstioOperator` file; comments and order stay.
 * Throws a `RequestError` where the file is written so that a field cannot be edited alone.
 */
export async function edit(text: string, edits: readonly Edit[]): Promise<string> {
  check.text(text, "the text");
  const asked = check.json(check.list(edits, "the edits"), "the edits");
  await start();
  return call((planner) => planner.edit(text, asked));
}
