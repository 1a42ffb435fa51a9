// How far a run has come: a fold over what `refit serve` tells. No DOM.

import { refName } from "../words.js";
import type { JournalRecord, Message, Outline, ProposalMessage, StepOutline } from "./messages.js";

export type StepStatus = "ahead" | "running" | "held" | "done" | "failed" | "left";

export interface StepRun {
  outline: StepOutline;
  status: StepStatus;
  /** Actions that are done, or were left out. */
  done: Set<number>;
  /** What was given up or left out, each a line. */
  remarks: string[];
}

export interface Run {
  proposal: ProposalMessage | undefined;
  plan: Outline | undefined;
  steps: StepRun[];
  /** Whether steps that only renew pods are carried out too. */
  restarts: boolean;
  waiting: { object: string; reason: string } | undefined;
  said: string[];
  records: JournalRecord[];
  /** Why it stopped. */
  failure: string | undefined;
  rollingBack: boolean;
}

export function freshRun(): Run {
  return {
    proposal: undefined,
    plan: undefined,
    steps: [],
    restarts: false,
    waiting: undefined,
    said: [],
    records: [],
    failure: undefined,
    rollingBack: false,
  };
}

/** Takes a message in, and returns the run as it is then. */
export function heard(run: Run, message: Message): Run {
  switch (message.kind) {
    case "proposal": {
      const { kind: _, ...proposal } = message;
      if (run.proposal?.id !== proposal.id) {
        return { ...freshRun(), proposal };
      }
      const over = proposal.state !== "running" && proposal.state !== "asking";
      return { ...run, proposal, waiting: over ? undefined : run.waiting };
    }
    case "plan": {
      const { kind: _, ...plan } = message;
      return {
        ...run,
        plan,
        steps: plan.steps.map((outline) => ({ outline, status: "ahead", done: new Set(), remarks: [] })),
      };
    }
    case "record":
      return record({ ...run, records: [...run.records, message.record] }, message.record);
    case "waiting":
      return { ...run, waiting: { object: message.object, reason: message.reason } };
    case "said":
      return { ...run, said: [...run.said, message.text] };
  }
}

function record(run: Run, it: JournalRecord): Run {
  const step = "step" in it ? run.steps.find(({ outline }) => outline.id === it.step) : undefined;
  const remark = (text: string): void => void step?.remarks.push(text);
  const is = (status: StepStatus): void => {
    if (step !== undefined) {
      step.status = status;
    }
  };
  switch (it.event) {
    case "run-began": {
      const restarts = it.restarts === true || run.steps.every(({ outline }) => outline.isRestart);
      for (const other of run.steps) {
        if (other.outline.isRestart && !restarts && other.status !== "done") {
          other.status = "left";
        }
      }
      return { ...run, restarts, failure: undefined };
    }
    case "step-began":
    case "action-began":
      is("running");
      return { ...run, waiting: undefined };
    case "action-ended":
      step?.done.add(it.action);
      return { ...run, waiting: undefined };
    case "action-skipped":
      step?.done.add(it.action);
      remark(`left out: ${it.reason}`);
      return run;
    case "held":
      is("held");
      remark(it.reason);
      return run;
    case "judged":
      for (const { gate, object, verdict } of it.readings) {
        if (verdict === "fails" || verdict === "unknown") {
          const of = object === undefined ? gate : `${gate} of ${refName(object)}`;
          remark(`${of} ${verdict === "fails" ? "does not hold" : "is unknown"}`);
        }
      }
      return { ...run, waiting: undefined };
    case "wait-given-up":
      remark(`${refName(it.object)} is left as it is: ${it.reason}`);
      return run;
    case "lock-taken":
      remark(`${refName(it.object)} was taken away, so that istiod tries again`);
      return run;
    case "step-ended":
      is("done");
      return { ...run, waiting: undefined };
    case "failed":
      is("failed");
      return { ...run, failure: it.reason, waiting: undefined };
    case "rollback-began":
      return { ...run, rollingBack: true };
    case "restored":
      step?.done.delete(it.action);
      return run;
    case "not-restored":
      return { ...run, said: [...run.said, `${refName(it.object)} is not as it was: ${it.reason}`] };
    default:
      return { ...run, waiting: undefined };
  }
}

/** How many actions of the steps that are carried out there are, and how many of them are done. */
export function extent({ steps }: Run): { done: number; all: number } {
  const own = steps.filter((it) => it.status !== "left");
  return {
    done: own.reduce((sum, it) => sum + it.done.size, 0),
    all: own.reduce((sum, it) => sum + it.outline.actions, 0),
  };
}

/** Whether the terminal is busy with it. */
export function isOpen({ proposal }: Run): boolean {
  return (
    proposal !== undefined &&
    (proposal.state === "planning" || proposal.state === "asking" || proposal.state === "running")
  );
}
