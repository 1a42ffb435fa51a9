// The page's side of the worker: questions as promises. Cancelling throws the worker away.

import type { Progress } from "refit-planner";

import type { Answer, Calls, Method, Problem, Question } from "./protocol.js";
import workerAddress from "./worker/worker.js?worker&url";

/** What the worker could not do. */
export class PlannerProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.name = problem.name;
    this.problem = problem;
  }
}

interface Waiting {
  resolve: (result: never) => void;
  reject: (error: Error) => void;
  progress: ((progress: Progress) => void) | undefined;
}

/** Scripts come from the page's own origin and nowhere else; a `blob:` of this page is of its origin. */
const policy = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy("refit", {
  createScriptURL: (address) => {
    if (new URL(address, location.href).origin !== location.origin) {
      throw new TypeError(`not a script of this page: ${address}`);
    }
    return address;
  },
});

interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (address: string) => string },
  ): {
    createScriptURL(address: string): string;
  };
}

/** Names a script of this page in the form that the browser wants. */
export function ownScript(address: string): string {
  return policy?.createScriptURL(address) ?? address;
}

export class Client {
  /** Started when it is first asked: the page is painted before. */
  #worker: Worker | undefined;
  #waiting = new Map<number, Waiting>();
  #last = 0;
  /** Newer facts, which each new worker is told again. */
  #facts: string | undefined;

  /** Asks the worker. */
  ask<M extends Method>(
    method: M,
    args: Calls[M]["args"],
    progress?: (progress: Progress) => void,
  ): Promise<Calls[M]["result"]> {
    this.#last += 1;
    const question: Question = { id: this.#last, method, args };
    return new Promise<Calls[M]["result"]>((resolve, reject) => {
      this.#waiting.set(question.id, { resolve, reject, progress });
      this.#worker ??= this.#start();
      this.#worker.postMessage(question);
    });
  }

  /** Stops whatever the worker does; what it has read is gone. */
  reset(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const waiting of this.#waiting.values()) {
      waiting.reject(new DOMException("cancelled", "AbortError"));
    }
    this.#waiting.clear();
    if (this.#facts !== undefined) {
      void this.ask("useFacts", [this.#facts]);
    }
  }

  /** Takes newer facts of releases than the module has, for as long as the page is open. */
  async useFacts(facts: string): Promise<Calls["useFacts"]["result"]> {
    const known = await this.ask("useFacts", [facts]);
    this.#facts = facts;
    return known;
  }

  #start(): Worker {
    // A worker from an address of its own would have no policy where the server sends none; one that a blob of this page
    // starts inherits the page's.
    const script = `import ${JSON.stringify(new URL(workerAddress, import.meta.url).href)};`;
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    const worker = new Worker(ownScript(address), { type: "module", name: "planner" });
    worker.addEventListener("message", (event: MessageEvent<Answer>) => this.#receive(event.data));
    worker.addEventListener("error", (event) => {
      for (const waiting of this.#waiting.values()) {
        waiting.reject(
          new PlannerProblem({ name: "Error", message: event.message || "the planner could not be started" }),
        );
      }
      this.#waiting.clear();
    });
    return worker;
  }

  #receive(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) {
      return;
    }
    switch (answer.kind) {
      case "progress":
        waiting.progress?.(answer.progress);
        return;
      case "result":
        waiting.resolve(answer.result as never);
        break;
      case "problem":
        waiting.reject(new PlannerProblem(answer.problem));
        break;
    }
    this.#waiting.delete(answer.id);
  }
}
