// Where the page is: in the address, over a reload, and for another day. Nothing of an export is kept anywhere.

import type { Progress } from "refit-planner";

import { type Address, readAddress, writeAddress } from "./address.js";
import { ask } from "./ask.js";
import type { Client } from "./client.js";
import { byId, el } from "./dom.js";
import type { Form } from "./form.js";
import { type Kept, keepForReload, keptForReload, remember, remembered } from "./remembered.js";
import { FILE } from "./request-files.js";
import type { Sample } from "./samples.js";
import { type PageState, noCluster } from "./state.js";
import { hideToast, say } from "./toast.js";
import { freshState } from "./view/hooks.js";

/** What this needs of the page. */
export interface SessionHooks {
  page: PageState;
  client: Client;
  form: Form;
  attempt: (what: string, work: (progress: (it: Progress) => void) => Promise<void>) => Promise<void>;
  /** Reads the files of the page, and plans. */
  read: () => Promise<void>;
  /** Opens the outcome of a link; whether the address is one. */
  openShared: () => Promise<boolean>;
  /** Shows an outcome whose export is not here. */
  showWithoutExport: (outcome: string, note: string, place?: Place) => Promise<void>;
  /** Shows the outcome that is there. */
  show: () => void;
  showWelcome: () => void;
}

export interface Session {
  /** Goes on where a reload of this tab, or the address, says; otherwise offers the session of another day. */
  restore: (samples: Promise<readonly Sample[]>) => Promise<void>;
  /** Follows the address after "Back" and "Forward". */
  follow: () => Promise<void>;
  /** Writes where the page is: as a place to come back to, or over the one before. */
  write: (form: "push" | "replace") => void;
  /** Writes where the page is after a plan, and keeps it. */
  planned: () => Promise<void>;
  /** Keeps the request and the redacted outcome: for a reload, and for another day where the user wants it. */
  keep: () => Promise<void>;
  /** Opens a sample, once nothing that was typed is lost by it. */
  useSample: (sample: Sample) => Promise<void>;
}

/** Where in an outcome to begin. */
export interface Place {
  tab?: string | undefined;
  object?: string | undefined;
  to?: string | undefined;
  /** The request that was there, in the place of the sample's own. */
  request?: Kept["request"] | undefined;
}

export function makeSession(hooks: SessionHooks): Session {
  const { page, client, form, attempt } = hooks;
  const rememberBox = byId("remember") as HTMLInputElement;

  /** Goes on where a reload of this tab, or the address, says; otherwise offers the session of another day. */
  async function restore(found: Promise<readonly Sample[]>): Promise<void> {
    const kept = keptForReload();
    const { sample, to, tab, object } = readAddress() ?? {};
    if (kept !== undefined) {
      form.setRequest(kept.request, true);
    }
    if (sample !== undefined) {
      const known = (await found).find((it) => it.name === sample);
      if (known !== undefined) {
        await openSample(known, { request: kept?.sample === sample ? kept.request : undefined, to, tab, object });
      }
    } else if (kept?.outcome !== undefined && kept.sample === undefined) {
      const { outcome, files } = kept;
      await attempt("Opening what was here", () =>
        hooks.showWithoutExport(outcome, ownNote("The page was loaded again.", files), { tab, object }),
      );
    } else if (to !== undefined) {
      form.setTarget(to);
    }
    await offerSession(kept === undefined);
  }

  /** Follows the address after "Back" and "Forward". */
  async function follow(): Promise<void> {
    if (page.live !== undefined || (await hooks.openShared())) {
      return;
    }
    const { sample, to, tab, object } = readAddress() ?? {};
    if (sample !== undefined && sample !== page.sample) {
      const known = page.samples.find((it) => it.name === sample);
      if (known !== undefined) {
        await openSample(known, { to, tab, object });
      }
    } else if (page.overview === undefined || (sample === undefined && to === undefined && tab === undefined)) {
      hooks.showWelcome();
    } else {
      page.view.tab = tab ?? page.view.tab;
      page.view.object = object ?? page.view.object;
      hooks.show();
    }
  }

  /** Where the page is, as the address says it. */
  function here(): Address {
    return {
      ...(page.sample !== undefined && { sample: page.sample }),
      ...(page.overview?.target.version && { to: page.overview.target.version }),
      tab: page.view.tab,
      ...(page.view.tab === "Objects" && page.view.object !== undefined && { object: page.view.object }),
    };
  }

  /** Goes on remembering where the user wanted it, and offers what was kept of the last time. */
  async function offerSession(offers: boolean): Promise<void> {
    const session = await remembered().catch(() => undefined);
    if (session === undefined) {
      return;
    }
    rememberBox.checked = true;
    byId("remember-label").hidden = false;
    byId("forget").hidden = false;
    if (!offers) {
      return;
    }
    const open = (): void => {
      hideToast();
      form.setRequest(session.request);
      const note = ownNote(`You planned this here on ${session.day}.`, session.files);
      void attempt("Opening the last session", () => hooks.showWithoutExport(session.outcome, note));
    };
    say(
      [
        `You planned ${session.request.to} here on ${session.day}.`,
        el("button", { type: "button", on: { click: open } }, "Open it"),
      ],
      true,
    );
  }

  /** Keeps the request and the redacted outcome: for a reload, and for another day where the user wants it. */
  async function keep(): Promise<void> {
    if (page.live !== undefined) {
      return;
    }
    const day = new Date().toISOString().slice(0, 10);
    if (page.planned === undefined) {
      const request = form.request();
      if (request !== undefined && form.isTyped()) {
        keepForReload({ files: [], day, ...keptForReload(), request });
      }
      return;
    }
    const { to, files, sets, from, namespace, force, prune, pruneOrphans } = page.planned;
    const session = {
      request: {
        to,
        ...(files && { files }),
        ...(sets && { sets }),
        ...(from && { from }),
        ...(namespace && { namespace }),
        ...(force && { force }),
        ...(prune && prune.length > 0 && { prune }),
        ...(pruneOrphans && { pruneOrphans }),
      },
      outcome: await client.ask("redacted", []),
      files: page.cluster.files.map((it) => it.name),
      day,
    };
    keepForReload({ ...session, sample: page.sample });
    if (rememberBox.checked) {
      await remember(session);
    }
  }

  /** Opens a sample, once nothing that was typed is lost by it. */
  async function useSample(sample: Sample): Promise<void> {
    const replaced = form.isTyped() || (page.cluster.files.length > 0 && page.sample === undefined);
    if (
      !replaced ||
      (await ask("Open the sample?", "It takes the place of the files and of the request that are here.", [
        "Keep what is here",
        "Open it",
      ])) === 1
    ) {
      await openSample(sample);
    }
  }

  /** Opens a sample with its own request, or with the one that was there before a reload. */
  async function openSample(sample: Sample, { request: kept, to, tab, object }: Place = {}): Promise<void> {
    await attempt("Fetching the sample", async () => {
      const { files, releases, request } = await sample.load();
      page.cluster = { ...noCluster(page.beside), files, releases };
      page.sample = sample.name;
      const own = { to: sample.to, files: request === "" ? [] : [{ name: FILE, text: request }] };
      form.clear();
      form.setRequest({ ...(kept ?? own), ...(to !== undefined && { to }) });
    });
    page.view = { ...freshState(), ...(tab !== undefined && { tab }), object };
    await hooks.read();
  }

  function write(how: "push" | "replace"): void {
    writeAddress(here(), how);
  }

  async function planned(): Promise<void> {
    const before = readAddress();
    write(before === undefined || before.sample !== page.sample ? "push" : "replace");
    await keep();
  }

  return { restore, follow, write, planned, keep, useSample };
}

/** What is said of one's own outcome of before. */
function ownNote(why: string, files: readonly string[]): string {
  return `${why} The request and the findings are here; the export is never kept: drop ${files.join(", ")} again to plan on.`;
}
