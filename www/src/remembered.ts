// What outlives the page: the request, and the redacted outcome; never an export. For a reload in this tab alone, until it
// is closed; for another day only where the user says so.

import type { PlanOptions } from "refit-planner";

export interface Session {
  request: Pick<PlanOptions, "to" | "files" | "sets" | "from" | "namespace" | "force" | "prune" | "pruneOrphans">;
  /** The redacted outcome, as a link would hold it. */
  outcome: string;
  /** Names of the files that were read. */
  files: string[];
  /** As `YYYY-MM-DD`. */
  day: string;
}

/** What a reload of this tab finds again. */
export interface Kept extends Omit<Session, "outcome"> {
  /** The sample that was open. */
  sample?: string | undefined;
  /** Undefined where nothing was planned yet, or where it is too large for the browser to keep. */
  outcome?: string | undefined;
}

/** Keeps what is there for a reload of this tab. */
export function keepForReload(kept: Kept): void {
  for (const it of [kept, { ...kept, outcome: undefined }]) {
    try {
      sessionStorage.setItem(NAME, JSON.stringify(it));
      return;
    } catch {
      // Too large, or a browser that keeps nothing: the next is smaller, and without either a reload starts afresh.
    }
  }
}

/** Returns what was there before the reload. */
export function keptForReload(): Kept | undefined {
  try {
    const text = sessionStorage.getItem(NAME);
    return text === null ? undefined : (JSON.parse(text) as Kept);
  } catch {
    return undefined;
  }
}

const NAME = "refit";
const STORE = "session";
const KEY = "last";

/** Keeps a session, in the place of the one before. */
export async function remember(session: Session): Promise<void> {
  await use("readwrite", (store) => store.put(session, KEY));
}

/** Returns what was kept. */
export async function remembered(): Promise<Session | undefined> {
  const names = await indexedDB.databases();
  if (!names.some((it) => it.name === NAME)) {
    return undefined;
  }
  return use("readonly", (store) => store.get(KEY) as IDBRequest<Session | undefined>);
}

/** Deletes what a reload would find. */
export function forgetKept(): void {
  sessionStorage.removeItem(NAME);
}

/** Deletes what was kept for another day, and the place where it was. */
export async function forgetRemembered(): Promise<void> {
  await new Promise<void>((resolve) => {
    const request = indexedDB.deleteDatabase(NAME);
    request.onsuccess = request.onerror = request.onblocked = () => resolve();
  });
}

async function use<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const base = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  try {
    return await new Promise<T>((resolve, reject) => {
      const request = work(base.transaction(STORE, mode).objectStore(STORE));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } finally {
    base.close();
  }
}
