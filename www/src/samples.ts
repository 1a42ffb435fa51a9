// Clusters to look at without having one: the project's own golden cases.

import type { NamedBlob } from "./protocol.js";

interface Case {
  title: string;
  about: string;
  to: string;
}

const exports = import.meta.glob<string>(
  "../../tests/golden/{clear-upgrade,version-skew,helm-installed,downgrade}/export/*",
  { query: "?url", import: "default", eager: true },
);
const requests = import.meta.glob<string>(
  "../../tests/golden/{clear-upgrade,version-skew,helm-installed,downgrade}/request/*.yaml",
  { query: "?url", import: "default", eager: true },
);

/** The gallery, by the folder of the case. */
export const SAMPLES: Record<string, Case> = {
  "clear-upgrade": { title: "A clear upgrade", about: "1.29 to 1.30, installed by istioctl", to: "1.30.3" },
  "version-skew": { title: "Blocked by skew", about: "1.26 to 1.30 in one step", to: "1.30.3" },
  "helm-installed": { title: "Another installer", about: "The control plane is a Helm release", to: "1.30.3" },
  "downgrade": { title: "A downgrade", about: "1.30 back to 1.29", to: "1.29.6" },
};

/** Loads a sample's export and its request's file. */
export async function loadSample(name: string): Promise<{ files: NamedBlob[]; request: string }> {
  const files = await Promise.all(below(exports, name).map(fetchFile));
  const texts = await Promise.all(below(requests, name).map(async (it) => (await fetchFile(it)).blob.text()));
  return { files, request: texts[0] ?? "" };
}

function below(glob: Record<string, string>, name: string): [string, string][] {
  return Object.entries(glob).filter(([path]) => path.includes(`/golden/${name}/`));
}

async function fetchFile([path, address]: [string, string]): Promise<NamedBlob> {
  const response = await fetch(address);
  return { name: path.slice(path.lastIndexOf("/") + 1), blob: await response.blob() };
}
