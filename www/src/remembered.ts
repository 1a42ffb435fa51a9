// The last session on this device, only where the user says so: the request, and the redacted outcome. Never an export.

import type { PlanOptions } from "refit-planner";

export interface Session {
  request: Pick<PlanOptions, "to" | "files" | "sets" | "from" | "namespace" | "force">;
  /** The redacted outcome, as a link would hold it. */
  outcome: string;
  /** Names of the files that were read. */
  files: string[];
  /** As `YYYY-MM-DD`. */
  day: string;
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

/** Deletes what was kept, and the place where it was. */
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
