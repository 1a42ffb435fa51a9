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

/**
 * A cluster as it was exported, read once and planned as often as wanted. Lives in the planner's memory until `close`.
 */
export class Cluster {
  /** What was read. */
  summary: Summary = { kubernetes: null, managedFields: false, kinds: {} };
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

  /** Adds releases as downloaded from Istio (`istio-VERSION-….tar.gz`); only their `manifests/` are kept. */
  async addReleases(releases: Contents, options: FeedOptions = {}): Promise<void> {
    for await (const release of each(releases)) {
      this.#use((session) => session.beginRelease(release.name));
      await feed(release, (bytes) => this.#use((session) => session.push(bytes)), options);
      this.#use((session) => session.end());
    }
  }

  /** Names the versions of all releases that planning a request here reads: the target's, then the source's. */
  releases(options: PlanOptions): string[] {
    const { asOf: _, ...request } = options;
    return JSON.parse(this.#use((session) => session.releases(JSON.stringify(request)))) as string[];
  }

  /**
   * Recovers the request that reproduces the installation; `null` where no control plane, or not its version, is known.
   * Only `namespace` and `from` of the options count. With the source's release the result is compared with the cluster.
   */
  recover(options: Partial<PlanOptions> = {}): Recovery | null {
    const { asOf: _, ...request } = options;
    const text = this.#use((session) => session.recover(JSON.stringify({ to: "", ...request })));
    return JSON.parse(text) as Recovery | null;
  }

  /** Plans a request. */
  plan(options: PlanOptions): Outcome {
    return JSON.parse(this.planText(options)) as Outcome;
  }

  /** Plans a request and returns the outcome's text, byte by byte what `refit plan -o json` prints. */
  planText(options: PlanOptions): string {
    const { asOf = today(), ...request } = options;
    return this.#use((session) => session.plan(JSON.stringify(request), asOf ?? undefined));
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
