// An outcome cut to what the page shows at once.

import type { Action, Change, Choice, Description, Finding, Hop, Level, Outcome, Restart } from "refit-planner";

import type { Overview, ShortAction, ShortChange, ShortFinding, ShortHop, Wave } from "../protocol.js";

/** Subjects that a finding shows before it is asked for more. */
const SUBJECTS = 5;
/** Workloads that are named one by one under the verdict. */
const BY_HAND = 50;

export function overview(outcome: Outcome, words: Description): Overview {
  const { verdict, direction, source, target, hops, installers, inventory, defaults, reverted } = outcome;
  const levels: Record<Level, number> = { block: 0, unknown: 0, warn: 0, info: 0 };
  for (const finding of outcome.findings) {
    levels[finding.level] += 1;
  }
  const { choices } = words.agenda;
  return {
    words: { ...words, markdown: "" },
    verdict,
    direction,
    source,
    target,
    hops,
    path: hops.length < 3 ? [] : (outcome.path ?? []).map(shortHop),
    installers,
    inventory,
    levels,
    findings: outcome.findings.map((it, at) => shortFinding(it, choices[at])),
    notes: outcome.notes.map((it) => shortFinding(it)),
    defaults,
    reverted,
    changes: outcome.changes.map(shortChange),
    restarts: outcome.restarts.length,
    ...waves(outcome),
    steps: outcome.plan?.steps.map(({ actions, ...step }) => ({ ...step, count: actions.length })) ?? null,
  };
}

/** An action without what it writes. */
export function shortAction(action: Action): ShortAction {
  return { action: action.action, object: action.action === "ensure" ? null : action.object };
}

function shortHop({ findings, notes, ...hop }: Hop): ShortHop {
  return { ...hop, findings: findings.map((it) => shortFinding(it)), notes: notes.map((it) => shortFinding(it)) };
}

function shortFinding(finding: Finding, choices: Choice[] = []): ShortFinding {
  return { ...finding, subjects: finding.subjects.slice(0, SUBJECTS), count: finding.subjects.length, choices };
}

function shortChange({ fields, predicted: _predicted, ...change }: Change): ShortChange {
  const owners = new Set(fields.map((it) => it.owner).filter((it) => it !== undefined));
  return { ...change, count: fields.length, owners: [...owners].sort() };
}

/** Restarts by the step that makes them, and those that none makes. */
function waves({ plan, restarts }: Outcome): Pick<Overview, "waves" | "byHand" | "hand"> {
  const waves: Wave[] = [];
  const done = new Set<string>();
  for (const step of plan?.steps ?? []) {
    const own = step.actions.filter((it) => it.action === "restart");
    if (own.length > 0) {
      waves.push(wave(step.id, step.title, own));
      own.forEach((it) => done.add(key(it)));
    }
  }
  const rest = restarts.filter((it) => !done.has(key(it)));
  const itself = rest.filter((it) => it.how === "auto");
  const hand = rest.filter((it) => it.how !== "auto");
  if (itself.length > 0) {
    waves.unshift(wave("by-itself", "Rolls by itself", itself));
  }
  return {
    waves,
    byHand: hand.length === 0 ? null : wave("by-hand", plan === null ? "No plan yet" : "By hand", hand),
    hand: plan === null ? [] : hand.slice(0, BY_HAND),
  };
}

/** The order in which people count: `shop-2` before `shop-10`. */
const natural = new Intl.Collator("en", { numeric: true });

function key({ object }: Pick<Restart, "object">): string {
  return `${object.kind}/${object.namespace}/${object.name}`;
}

function wave(id: string, title: string, all: readonly Pick<Restart, "object" | "pods">[]): Wave {
  const namespaces = new Map<string, number>();
  for (const { object, pods } of all) {
    const name = object.namespace ?? "";
    namespaces.set(name, (namespaces.get(name) ?? 0) + pods);
  }
  return {
    id,
    title,
    workloads: all.length,
    pods: all.reduce((sum, it) => sum + it.pods, 0),
    namespaces: [...namespaces].sort(([a], [b]) => natural.compare(a, b)),
  };
}
