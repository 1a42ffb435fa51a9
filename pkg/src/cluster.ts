import * as check from "./check.js";
import { type Contents, type FeedOptions, each, feed } from "./content.js";
import { call, enter, instance, leave, start } from "./engine.js";
import type { Request } from "./input.js";
import type { FieldChange, Outcome, Ref, Subject } from "./outcome.js";
import type { Session } from "./wasm/planner.js";

/** What is planned, beside the cluster. */
export interface PlanOptions extends Partial<Request> {
  /** The version to go to. */
  to: string;
  /** Today as `YYYY-MM-DD`, for ends of support; `null` says nothing about them. Default: today. */
  asOf?: string | null | undefined;
}

/** What was read of a cluster. */
export interface Summary {
  /** The server's version, `null` where the export does not hold it. */
  kubernetes: string | null;
  /** Whether the export was made with `--show-managed-fields`. */
  managedFields: boolean;
  /** How many objects of each kind (`apps/v1/Deployment`). */
  kinds: Record<string, number>;
  /** Members of archives that hold no objects, and what each is; of very many the first thousand. */
  passedOver: { file: string; what: string }[];
  /** The files in which the namespace `kube-system` of each cluster stood first: more than one is an export of several clusters. */
  clusters: string[];
}

/** The request that reproduces an installation, as far as the export tells. */
export interface Recovery {
  /** An IstioOperator file. */
  text: string;
  /** Where each path that it sets was read. */
  evidence: { path: string; subject: Subject }[];
  /** Fields that it does not reproduce: `from` is live, `to` what the recovered request gives. */
  unexplained: { object: Ref; fields: FieldChange[] }[];
  /** The source's release was at hand, so that `unexplained` holds all there is. */
  compared: boolean;
}

/** What an export lacks of what a plan reads. */
export interface Coverage {
  /** What is certainly missing. */
  gaps: Gap[];
  /** Kinds that were asked for and of which there is none, as `kubectl` names them; the cluster may have none. */
  none: string[];
}

/** Something that an export lacks. */
export interface Gap {
  what: string;
  /** The finding that says so. */
  code: string;
  /** What stays unknown without it. */
  unknown: string;
  /** The shell line that exports it. */
  command: string;
}

/** An object of the export, as far as it was kept. */
export interface ShownObject {
  /** Without `managedFields`; of Secrets without data. */
  yaml: string;
  /** All of it was kept; else only what rules read. */
  whole: boolean;
  /** Where the field begins in `yaml`, from 1. */
  line: number | null;
  /** Where the export holds it; a line of 0 is unknown. */
  origin: { file: string; line: number };
}

/** An object before and after the plan, as YAML; `null` where it is not there. */
export interface Comparison {
  live: string | null;
  predicted: string | null;
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
