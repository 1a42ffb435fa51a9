// Small words for what the outcome holds. Sentences come from the planner; here are only labels.

import type { ChangeClass, Level, Ref, RestartHow, Verdict } from "refit-planner";

import type { Problem } from "./protocol.js";

/** Labels of levels, in the order in which they weigh. */
export const LEVELS: readonly (readonly [Level, string])[] = [
  ["block", "Blocking"],
  ["unknown", "Unknown"],
  ["warn", "Warnings"],
  ["info", "Info"],
];

export const VERDICTS: Record<Verdict, string> = { clear: "Clear", blocked: "Blocked", unknown: "Unknown" };

export const CLASSES: Record<ChangeClass, string> = {
  create: "created",
  change: "changed",
  replace: "created again",
  "take-over": "taken over",
  delete: "deleted",
  orphan: "left behind",
  unchanged: "unchanged",
};

export const HOW: Record<RestartHow, string> = {
  rollout: "rollout restart",
  "delete-pods": "pods deleted one by one",
  evict: "pods evicted",
  auto: "rolls by itself",
  none: "not by a restart",
};

/** `Deployment istio-system/istiod`. */
export function refName(ref: Partial<Ref>): string {
  const place = ref.namespace === undefined ? "" : `${ref.namespace}/`;
  return `${ref.kind ?? ""} ${place}${ref.name ?? ""}`.trim();
}

/** `cluster.yaml:120:5`. */
export function placeName(subject: Pick<Problem, "file" | "line" | "column">): string {
  const line = subject.line === undefined ? "" : `:${subject.line}`;
  const column = subject.column === undefined || line === "" ? "" : `:${subject.column}`;
  return subject.file === undefined ? "" : `${subject.file}${line}${column}`;
}

/** A value as one would type it. */
export function valueText(value: unknown): string {
  if (value === undefined) {
    return "not set";
  }
  return typeof value === "string" ? value : JSON.stringify(value, null, typeof value === "object" ? 2 : undefined);
}

/** `1 pod`, `3 pods`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/** `12.3 MB`. */
export function size(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `, 123 MB/s`; nothing as long as little is known of it. */
export function speed(bytes: number, milliseconds: number): string {
  return milliseconds < 300 ? "" : `, ${Math.round(bytes / 1e3 / milliseconds)} MB/s`;
}

/** `1 line`, `3 lines`. */
export function sizeOfText(text: string): string {
  return count(text.trimEnd().split("\n").length, "line");
}
