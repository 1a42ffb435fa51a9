// Clusters to look at without having one: real ones where the page was built with data, and the project's golden cases.

import type { NamedBlob } from "./protocol.js";

/** A cluster of the gallery. */
export interface Sample {
  name: string;
  title: string;
  about: string;
  to: string;
  /** What the verdict is, for the card's colour; null where that depends. */
  verdict: "clear" | "blocked" | "unknown" | null;
  load: () => Promise<{ files: NamedBlob[]; releases: NamedBlob[]; request: string }>;
}

const exports = import.meta.glob<string>(
  "../../tests/golden/{sample,clear-upgrade,version-skew,helm-installed,downgrade}/export/*",
  { query: "?url", import: "default", eager: true },
);
const requests = import.meta.glob<string>(
  "../../tests/golden/{clear-upgrade,version-skew,helm-installed,downgrade}/request/*.yaml",
  { query: "?url", import: "default", eager: true },
);

/** What both releases render for the sample, so that its plan is whole without them. */
const rendered = import.meta.glob<string>("../../tests/golden/sample/rendered/*", {
  query: "?url",
  import: "default",
  eager: true,
});

const MADE_UP: readonly Omit<Sample, "load">[] = [
  {
    name: "sample",
    title: "A whole plan",
    about: "1.29 to 1.30: changes, reverted settings, restarts, steps",
    to: "1.30.3",
    verdict: "clear",
  },
  {
    name: "clear-upgrade",
    title: "A clear upgrade",
    about: "1.29 to 1.30, installed by istioctl",
    to: "1.30.3",
    verdict: "clear",
  },
  {
    name: "version-skew",
    title: "Blocked by skew",
    about: "1.26 to 1.30 in one step",
    to: "1.30.3",
    verdict: "blocked",
  },
  {
    name: "helm-installed",
    title: "Another installer",
    about: "The control plane is a Helm release",
    to: "1.30.3",
    verdict: "blocked",
  },
  { name: "downgrade", title: "A downgrade", about: "1.30 back to 1.29", to: "1.29.6", verdict: "clear" },
];

/** Small clusters that are made up, and always there. */
export function madeUp(): Sample[] {
  return MADE_UP.map((it) => ({
    ...it,
    async load() {
      const files = await Promise.all(below(exports, it.name).map(fetchFile));
      const texts = await Promise.all(below(requests, it.name).map(async (at) => (await fetchFile(at)).blob.text()));
      const releases = await Promise.all(below(rendered, it.name).map(fetchFile));
      return { files, releases, request: texts[0] ?? "" };
    },
  }));
}

interface Entry extends Omit<Sample, "load"> {
  export: string;
  request: string | null;
}

/** Real clusters that lie beside the page, where it was built with some. */
export async function beside(): Promise<Sample[]> {
  const response = await fetch("./samples/index.json").catch(() => undefined);
  if (response?.ok !== true || response.headers.get("content-type")?.includes("json") !== true) {
    return [];
  }
  const { samples } = (await response.json()) as { samples: Entry[] };
  return samples.map(({ export: path, request, ...it }) => ({
    ...it,
    async load() {
      const file = await fetchFile([path, `./samples/${path}`]);
      const text = request === null ? "" : await (await fetchFile([request, `./samples/${request}`])).blob.text();
      return { files: [file], releases: [], request: text };
    },
  }));
}

function below(glob: Record<string, string>, name: string): [string, string][] {
  return Object.entries(glob).filter(([path]) => path.includes(`/golden/${name}/`));
}

async function fetchFile([path, address]: [string, string]): Promise<NamedBlob> {
  const response = await fetch(address);
  if (!response.ok) {
    throw new Error(`${address}: ${response.status} ${response.statusText}`);
  }
  return { name: path.slice(path.lastIndexOf("/") + 1), blob: await response.blob() };
}
