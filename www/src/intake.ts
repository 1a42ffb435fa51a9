// Files as they come: picked, dropped, whole folders, pasted text.

import type { Summary } from "refit-planner";

import type { NamedBlob } from "./protocol.js";

/** What a picker, a drop or the clipboard gave: files to read, and those that hold no objects by their names. */
export interface Taken {
  files: NamedBlob[];
  passedOver: PassedOver[];
}

/** A file that is not read, and what it is. */
export type PassedOver = Summary["passedOver"][number];

/** What a file is for, told by its name and its first bytes. */
export type Purpose = "export" | "operator" | "release" | "fleet" | "outcome";

/** Reads what was dropped, folders with all they hold. */
export async function dropped(transfer: DataTransfer): Promise<Taken> {
  const entries = [...transfer.items].map((it) => it.webkitGetAsEntry()).filter((it) => it !== null);
  if (entries.length === 0) {
    return picked(transfer.files);
  }
  const files = await Promise.all(entries.map(walk));
  return sorted(files.flat());
}

/** Files of a picker; of a folder picker with their paths. */
export function picked(files: Iterable<File>): Taken {
  return sorted([...files].map((file) => ({ name: file.webkitRelativePath || file.name, blob: file })));
}

/** Text that was pasted, under a name of its own. */
export function pasted(text: string, taken: readonly string[]): NamedBlob {
  const ending = /^\s*[[{]/.test(text) ? "json" : "yaml";
  for (let at = 1; ; at += 1) {
    const name = at === 1 ? `pasted.${ending}` : `pasted-${at}.${ending}`;
    if (!taken.includes(name)) {
      return { name, blob: new Blob([text]) };
    }
  }
}

/** Tells an export from an IstioOperator file, from a release archive or what a release rendered already, and from what refit has written. */
export async function purpose({ name, blob }: NamedBlob): Promise<Purpose> {
  if (/(^|\/)istio-\d+\.\d+[^/]*\.(tar\.gz|tgz|ya?ml|ya?ml\.gz)$/.test(name)) {
    return "release";
  }
  if (name.endsWith(".json")) {
    const schema = /^\s*\{\s*"schema":\s*"refit\.(fleet|outcome)\/v\d+"/.exec(await blob.slice(0, 256).text())?.[1];
    if (schema === "fleet" || schema === "outcome") {
      return schema;
    }
  }
  if (/\.(ya?ml|json)$/.test(name) && blob.size < 8 << 20) {
    const text = await blob.slice(0, 64 << 10).text();
    const isList = /^\s*(kind:\s*List|"kind":\s*"List")/m.test(text);
    // An exported IstioOperator has been through the server; a request's file has not.
    const isStored = /^\s*("?resourceVersion"?|"?uid"?):/m.test(text);
    if (/^\s*(kind:\s*IstioOperator|"kind":\s*"IstioOperator")/m.test(text) && !isList && !isStored) {
      return "operator";
    }
    // Of what istioctl renders nothing has been through the server either.
    if (!isList && !isStored && /^kind:\s*(CustomResourceDefinition|ClusterRole|ServiceAccount)\s*$/m.test(text)) {
      return "release";
    }
  }
  return "export";
}

/** The version of a release, by the name of its file. */
export function versionOf(name: string): string | undefined {
  return /istio-(\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)[.\d]*\d)?)/.exec(name)?.[1];
}

/** Whether an object that stood in `place` came in a file, which may be an archive. */
export function isIn(place: string, { name }: NamedBlob): boolean {
  return place === name || place.startsWith(`${name}!`);
}

/** The folder that was dropped with a file, or the file where it came alone. */
export function folderOf(name: string): string {
  return name.includes("/") ? name.slice(0, name.indexOf("/") + 1) : name;
}

async function walk(entry: FileSystemEntry): Promise<NamedBlob[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ name: entry.fullPath.replace(/^\//, ""), blob: file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const children: FileSystemEntry[] = [];
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) {
      break;
    }
    children.push(...batch);
  }
  children.sort((a, b) => (a.name < b.name ? -1 : 1));
  return (await Promise.all(children.map(walk))).flat();
}

/** Parts what is read from what a folder holds beside: hidden files, and files of other endings. */
function sorted(all: readonly NamedBlob[]): Taken {
  const files: NamedBlob[] = [];
  const passedOver: PassedOver[] = [];
  for (const file of all) {
    const what = foreign(file.name);
    if (what === undefined) {
      files.push(file);
    } else {
      passedOver.push({ file: file.name, what });
    }
  }
  return { files, passedOver };
}

/** Why a file is not read, told by its name; what was picked alone is always read, unless it is hidden. */
function foreign(name: string): string | undefined {
  const last = name.slice(name.lastIndexOf("/") + 1);
  if (last.startsWith(".")) {
    return "a hidden file";
  }
  return !name.includes("/") || /\.(ya?ml|json|tar|tgz|gz|xz|zip)$/i.test(last)
    ? undefined
    : "neither YAML, JSON nor an archive by its name";
}
