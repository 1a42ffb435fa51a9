// A fleet's document and the outcomes beside it, as `refit fleet plan --out` writes them.

import type { FleetDocument } from "refit-planner";

import type { NamedBlob } from "./protocol.js";
import { fleetView } from "./view/fleet.js";

export interface FleetHooks {
  /** Shows an outcome whose export is not here, below the fleet. */
  open: (outcome: string, note: string) => Promise<void>;
  /** What the fleet shows has changed. */
  changed: () => void;
}

export interface FleetPart {
  /** Takes a fleet's document, with the outcomes that came with it; or outcomes for the one that is there. */
  take: (fleets: readonly NamedBlob[], outcomes: readonly NamedBlob[]) => Promise<void>;
  /** What is shown above the outcome; undefined without a fleet. */
  element: () => HTMLElement | undefined;
  clear: () => void;
}

const SCHEMA = "refit.fleet/v1";

export function makeFleet(hooks: FleetHooks): FleetPart {
  let fleet: FleetDocument.Fleet | undefined;
  let open: string | undefined;
  const outcomes = new Map<string, NamedBlob>();

  async function take(fleets: readonly NamedBlob[], added: readonly NamedBlob[]): Promise<void> {
    const last = fleets.at(-1);
    if (last !== undefined) {
      fleet = parse(await last.blob.text(), last.name);
      open = undefined;
      outcomes.clear();
    }
    for (const it of added) {
      outcomes.set(it.name.slice(it.name.lastIndexOf("/") + 1), it);
    }
    const alone = added.at(-1);
    if (fleet === undefined && alone !== undefined) {
      await hooks.open(
        await alone.blob.text(),
        `This is the outcome in ${alone.name}. Drop an export to plan one of your own.`,
      );
      return;
    }
    hooks.changed();
    document.getElementById("fleet")?.focus({ preventScroll: true });
  }

  function clear(): void {
    fleet = open = undefined;
    outcomes.clear();
  }

  function element(): HTMLElement | undefined {
    if (fleet === undefined) {
      return undefined;
    }
    return fleetView(fleet, {
      opener(cluster) {
        const file = cluster.file === undefined ? undefined : outcomes.get(cluster.file);
        if (file === undefined) {
          return undefined;
        }
        return () => {
          open = cluster.name;
          void file.blob
            .text()
            .then((text) => hooks.open(text, `This is the outcome of ${cluster.name}, as ${file.name} has it.`))
            .then(() => document.getElementById("verdict")?.focus());
        };
      },
      isOpen: (cluster) => cluster.name === open,
      close() {
        clear();
        hooks.changed();
      },
    });
  }

  return { take, element, clear };
}

/** Reads a fleet's document; what another version of it means is not guessed. */
function parse(text: string, name: string): FleetDocument.Fleet {
  const read = JSON.parse(text) as Partial<FleetDocument.Fleet>;
  const lists = [read.clusters, read.meshes, read.findings];
  if (read.schema !== SCHEMA || !lists.every((it) => Array.isArray(it))) {
    throw new Error(`${name} is no fleet of this version (${SCHEMA})`);
  }
  return read as FleetDocument.Fleet;
}
