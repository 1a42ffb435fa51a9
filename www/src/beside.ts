// What the operator of this page may have put beside it.

import type { PlanOptions, Progress } from "refit-planner";

import type { Client } from "./client.js";
import type { PageState } from "./state.js";

/** Versions of the releases that lie in `releases/`; undefined where there is no list of them. */
export async function releasesBeside(): Promise<string[] | undefined> {
  const text = await json("./releases/index.json");
  return text === undefined ? undefined : (JSON.parse(text) as { versions: string[] }).versions;
}

/** Facts of releases (`refit facts -o json` of a newer build); undefined where nobody put any in the place of the empty ones. */
export async function factsBeside(): Promise<string | undefined> {
  const text = await json("./facts.json");
  return text?.trim() === "{}" ? undefined : text;
}

/** Fetches the target's and the source's release where they lie beside the page, or where `refit serve` has them. */
export async function fetchBeside(
  client: Client,
  page: PageState,
  request: PlanOptions,
  progress: (it: Progress) => void,
): Promise<void> {
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
      const { takeRelease, lacks } = page.live;
      await takeRelease(version, progress)
        .then((it) => client.ask("addReleases", [[it]], progress))
        .then(
          () => into.add(version),
          () => lacks.add(version),
        );
    }
  }
}

/** The text of a JSON file; a server that answers everything with a page has none. */
async function json(address: string): Promise<string | undefined> {
  const response = await fetch(address).catch(() => undefined);
  const found = response?.ok === true && response.headers.get("content-type")?.includes("json") === true;
  return found ? await response.text() : undefined;
}
