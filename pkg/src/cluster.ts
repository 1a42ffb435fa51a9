import type { Comparison, Coverage, Recovery, ShownObject, Summary } from "./border.js";
import * as check from "./check.js";
import { type Contents, type FeedOptions, each, feed } from "./content.js";
import { call, enter, instance, leave, start } from "./engine.js";
import type { Request } from "./input.js";
import type { Outcome, Ref } from "./outcome.js";
import type { Session } from "./wasm/planner.js";

/** What is planned, beside the cluster. */
export interface PlanOptions extends Partial<Request> {
  /** The version to go to. */
  to: string;
  /** Today as `YYYY-MM-DD`, for ends of support; `null` says nothing about them. Default: today. */
  asOf?: string | null | undefined;
}

/**
 * A cluster as it was exported, read once and planned as often as wanted. Lives in the planner's memory until `close`.
 */
export class Cluster {
  /** What was read. */
  summary: Summary = { kubernetes: null, managedFields: false, kinds: {}, passedOver: [], clusters: [] };
  readonly #session: Session;
  readonly #instance: number;
  #open = true;

  private constructor(session: Session) {
    this.#session = session;
    this.#instance = instance();
    enter();
  }

  /** Reads an export: YAML or JSON files as `kubectl get -o` writes them, and archives of such. */
  static async read(files: Contents, options: FeedOptions = {}): Promise<Cluster> {
    await start();
    const cluster = new Cluster(call((planner) => new planner.Session()));
    try {
      for await (const file of each(files)) {
        cluster.#use((session) => session.begin(file.name));
        await feed(file, (bytes) => cluster.#use((session) => session.push(bytes)), options);
        cluster.#use((session) => session.end());
      }
      cluster.summary = JSON.parse(cluster.#use((session) => session.finish())) as Summary;
      return cluster;
    } catch (error) {
      cluster.close();
      throw error;
    }
  }

  /**
   * Adds releases as downloaded from Istio (`istio-VERSION-….tar.gz`), of which only `manifests/` is kept, or what they
   * rendered already (`.yaml`, `.yml`, `.json`, gzipped or not): manifests in the place of charts.
   */
  async addReleases(releases: Contents, options: FeedOptions = {}): Promise<void> {
    for await (const release of each(releases)) {
      this.#use((session) => session.beginRelease(release.name));
      await feed(release, (bytes) => this.#use((session) => session.push(bytes)), options);
      this.#use((session) => session.end());
    }
  }

  /**
   * Takes newer facts of releases (dates, support, registries, bulletins) than the module has, as `refit facts -o json`
   * prints them; older ones are refused.
   */
  useFacts(facts: string): void {
    check.text(facts, "the facts");
    this.#use((session) => session.useFacts(facts));
  }

  /** Names the versions of all releases that planning a request here reads: the target's, then the source's. */
  releases(options: PlanOptions): string[] {
    const { asOf: _, ...request } = check.request(options, true);
    const asked = check.json(request, "the options");
    return JSON.parse(this.#use((session) => session.releases(asked))) as string[];
  }

  /**
   * Recovers the request that reproduces the installation; `null` where no control plane, or not its version, is known.
   * Only `namespace` and `from` of the options count. With the source's release the result is compared with the cluster.
   */
  recover(options: Partial<PlanOptions> = {}): Recovery | null {
    const { asOf: _, ...request } = check.request(options, false);
    const asked = check.json({ to: "", ...request }, "the options");
    const text = this.#use((session) => session.recover(asked));
    return JSON.parse(text) as Recovery | null;
  }

  /** Plans a request. */
  plan(options: PlanOptions): Outcome {
    return JSON.parse(this.planText(options)) as Outcome;
  }

  /** Plans a request and returns the outcome's text, byte by byte what `refit plan -o json` prints. */
  planText(options: PlanOptions): string {
    const { asOf = today(), ...request } = check.request(options, true);
    const asked = check.json(request, "the options");
    return this.#use((session) => session.plan(asked, asOf ?? undefined));
  }

  /** Tells what the export lacks of what a plan reads, and what stays unknown for it. */
  missing(options: PlanOptions): Coverage {
    const { asOf: _, ...request } = check.request(options, true);
    const asked = check.json(request, "the options");
    return JSON.parse(this.#use((session) => session.missing(asked))) as Coverage;
  }

  /** Returns an object of the export, with the line of a field in its YAML; `null` where the export does not hold it. */
  object(object: Ref, field?: string): ShownObject | null {
    const asked = check.json(check.object(object, "the reference"), "the reference");
    check.optionalText(field, "the field");
    return JSON.parse(this.#use((session) => session.object(asked, field ?? ""))) as ShownObject | null;
  }

  /**
   * Returns an object before and after the plan that was made last. `everything` keeps status, the server's own fields
   * and the labels that every release writes anew.
   */
  compare(object: Ref, everything = false): Comparison {
    const asked = check.json(check.object(object, "the reference"), "the reference");
    check.optionalFlag(everything, "`everything`");
    return JSON.parse(this.#use((session) => session.compare(asked, everything))) as Comparison;
  }

  /** Forgets the cluster and gives its memory back. */
  close(): void {
    if (!this.#open) {
      return;
    }
    this.#open = false;
    if (this.#instance === instance()) {
      this.#session.free();
    }
    leave(this.#instance);
  }

  #use<T>(work: (session: Session) => T): T {
    if (!this.#open) {
      throw new Error("the cluster is closed");
    }
    if (this.#instance !== instance()) {
      throw new Error("the planner was replaced after a defect: read the cluster again");
    }
    return call(() => work(this.#session));
  }
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
