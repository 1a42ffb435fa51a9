// What `refit serve` says to the page, and takes from it. `wire.ts` is generated from the executor's types.

import type { Message } from "./wire.js";

export type {
  About,
  JournalRecord,
  Message,
  Outline,
  ProposalState,
  RestartWish,
  StepOutline,
  UpgradeWish,
} from "./wire.js";

/** What this page understands. */
export const SCHEMA = "refit.live/v1";

/** How far a proposal has come. */
export type ProposalMessage = Omit<Extract<Message, { kind: "proposal" }>, "kind">;
