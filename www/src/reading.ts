// Files in and out: exports, releases and IstioOperator files are told apart, read, and planned.

import type { Progress, RequestFile } from "refit-planner";

import { ask } from "./ask.js";
import type { Client } from "./client.js";
import type { ClusterCard } from "./cluster-card.js";
import type { Form } from "./form.js";
import { type Taken, folderOf, isIn, purpose } from "./intake.js";
import { presetTarget } from "./preset.js";
import { fileOf, isCancelled, isPanic, problemOf } from "./problem.js";
import type { NamedBlob, Overview } from "./protocol.js";
import type { PageState } from "./state.js";

/** Goes to the verdict, unless somebody types meanwhile. */
function focusVerdict(): void {
  const typing = document.activeElement?.matches('textarea, .editor, input:not([type="file"], [type="checkbox"])');
  if (typing !== true) {
    document.getElementById("verdict")?.focus({ preventScroll: true });
  }
}

/** What reading needs of the page. */
export interface ReadingHooks {
  page: PageState;
  client: Client;
  card: ClusterCard;
  form: Form;
  attempt: (what: string, work: (progress: (it: Progress) => void) => Promise<void>) => Promise<void>;
  /** Plans; `made` is the outcome where it was made already, with the releases that are there. */
  plan: (progress: (it: Progress) => void, made?: Overview) => Promise<void>;
  /** Before anything is read: what the address says is of another cluster. */
  begin: () => void;
  draw: (outcome: Overview) => void;
  showNothing: () => void;
  /** Takes what refit has written before: fleets, and outcomes. */
  written: (fleets: readonly NamedBlob[], outcomes: readonly NamedBlob[]) => Promise<void>;
}

export interface Reading {
  /** Takes files of any kind: adds exports and releases, puts IstioOperator files behind those that are there. */
  take: (taken: Taken) => Promise<void>;
  /** Takes files out again. */
  remove: (...gone: readonly NamedBlob[]) => Promise<void>;
  /** Reads everything that is there, and plans. */
  read: () => Promise<void>;
  /** After a defect the planner starts afresh: what was read is read again, once. */
  readAfterDefect: () => Promise<void>;
}

export function makeReading(hooks: ReadingHooks): Reading {
  const { page, client, card, form, attempt } = hooks;

  async function take({ files: added, passedOver }: Taken): Promise<void> {
    const exported: NamedBlob[] = [];
    const archives: NamedBlob[] = [];
    const operators: RequestFile[] = [];
    const written: Record<"fleet" | "outcome", NamedBlob[]> = { fleet: [], outcome: [] };
    for (const file of added) {
      const what = await purpose(file);

      switch (what) {
        case "fleet":
        case "outcome":
          written[what].push(file);
          break;
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
    if (written.fleet.length + written.outcome.length > 0) {
      await attempt("Opening", () => hooks.written(written.fleet, written.outcome));
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
      page.sample = undefined;
      await read();
    } else if (archives.length > 0 && page.cluster.summary !== undefined) {
      await attempt("Reading the release", async (progress) => {
        page.problem = undefined;
        await addReleases(archives, progress);
        await hooks.plan(progress);
      });
    }
  }

  async function remove(...gone: readonly NamedBlob[]): Promise<void> {
    const wasRead = gone.some((it) => !page.cluster.refused.includes(it));
    const rest = (all: readonly NamedBlob[]): NamedBlob[] => all.filter((it) => !gone.includes(it));
    page.problem = undefined;
    page.sample = undefined;
    page.cluster = {
      ...page.cluster,
      files: rest(page.cluster.files),
      releases: rest(page.cluster.releases),
      refused: rest(page.cluster.refused),
    };
    if (!wasRead && page.overview !== undefined) {
      card.show(page.cluster);
      hooks.draw(page.overview);
    } else if (page.cluster.files.length > 0) {
      await read();
    } else {
      client.reset();
      page.cluster = { ...page.cluster, summary: undefined, coverage: undefined, missingReleases: [] };
      hooks.showNothing();
    }
  }

  async function read(): Promise<void> {
    hooks.begin();
    page.fetched = new Set();
    page.problem = undefined;
    page.cluster = { ...page.cluster, summary: undefined, coverage: undefined, missingReleases: [], refused: [] };
    await attempt("Reading the export", async (progress) => {
      await readFiles(page.planned !== undefined, progress);
      await addReleases(page.cluster.releases, progress);
      form.setRecoverable(true);
      await hooks.plan(progress, await preset());
    });
    focusVerdict();
  }

  /** Chooses the version where nobody did; the outcome for it, where it was planned for that. */
  async function preset(): Promise<Overview | undefined> {
    const request = form.request();
    if (form.target.isChosen() || request === undefined) {
      return undefined;
    }
    const found = await presetTarget(client, request, form.target.known(), page.cluster.releases);
    form.target.preset(found.to);
    return found.outcome;
  }

  /** Reads the files; where a plan stood before, without those that cannot be read. */
  async function readFiles(stood: boolean, progress: (it: Progress) => void): Promise<void> {
    for (;;) {
      const files = page.cluster.files.filter((it) => !page.cluster.refused.includes(it));
      try {
        const summary = await client.ask("read", [files], progress);
        if (summary.clusters.length < 2 || !(await chooseCluster(summary.clusters))) {
          page.cluster = { ...page.cluster, summary };
          card.show(page.cluster);
          return;
        }
      } catch (error) {
        const bad = fileOf(problemOf(error), files);
        if (!stood || isCancelled(error) || bad === undefined || files.length === 1) {
          page.overview = undefined;
          throw error;
        }
        refuse(bad, error);
      }
    }
  }

  /** Asks which of several clusters is meant, and takes the files of the others out; `false` where no file is a cluster's own. */
  async function chooseCluster(clusters: readonly string[]): Promise<boolean> {
    const files = page.cluster.files.filter((it) => clusters.some((file) => isIn(file, it)));
    const [first, ...rest] = files;
    if (first === undefined || rest.length === 0) {
      return false;
    }
    const chosen = await ask(
      `These files hold ${files.length} clusters`,
      "A plan of several together would be of none of them. The files of the others leave the list; drop them again to plan those.",
      [`Plan ${first.name}`, ...rest.map((it) => `Plan ${it.name}`)],
    );
    const others = files.filter((_, at) => at !== chosen).map((it) => folderOf(it.name));
    const isOthers = ({ name }: NamedBlob): boolean =>
      others.some((it) => name === it || (it.endsWith("/") && name.startsWith(it)));
    page.cluster = { ...page.cluster, files: page.cluster.files.filter((it) => !isOthers(it)) };
    card.show(page.cluster);
    return true;
  }

  /** Reads releases one by one: the plan goes without one that cannot be read. */
  async function addReleases(archives: readonly NamedBlob[], progress: (it: Progress) => void): Promise<void> {
    for (const archive of archives) {
      try {
        await client.ask("addReleases", [[archive]], progress);
      } catch (error) {
        if (isCancelled(error) || isPanic(problemOf(error))) {
          throw error;
        }
        refuse(archive, error);
      }
    }
  }

  /** Leaves a file out that cannot be read, and says so above the outcome. */
  function refuse(file: NamedBlob, error: unknown): void {
    page.problem = problemOf(error);
    page.cluster = { ...page.cluster, refused: [...page.cluster.refused, file] };
    card.show(page.cluster);
  }

  async function readAfterDefect(): Promise<void> {
    page.recovering = true;
    client.reset();
    await read();
    page.recovering = false;
  }

  return { take, remove, read, readAfterDefect };
}
