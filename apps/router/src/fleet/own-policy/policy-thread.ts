import { receiveMessageOnPort, parentPort, workerData, type MessagePort } from "node:worker_threads";
import { RoutingError, type Policy, type PolicyContext } from "@vllm-router/routing-core";
import { loadPolicyModule } from "./load-policy-module.ts";
import {
  CONTROL,
  openChannel,
  OPERATION,
  readInput,
  reasonCode,
  SCALAR,
  STATUS,
  type PolicyChannel,
} from "./policy-channel.ts";
import { sendConsole } from "./policy-console.ts";
import type { FromPolicyThread, ToPolicyThread } from "./policy-messages.ts";
import { tryPolicy } from "./try-policy.ts";

// The thread in which a policy of the user's own runs: it sleeps until it is asked, and can be ended at any moment.

await main(parentPort as MessagePort, (workerData as { readonly path: string }).path);

async function main(port: MessagePort, path: string): Promise<void> {
  sendConsole(console, port, () => performance.now());
  let policy: Policy;
  try {
    policy = await loadPolicyModule(path);
    tryPolicy(policy);
  } catch (error) {
    port.postMessage({ kind: "failed", message: messageOf(error) } satisfies FromPolicyThread);
    return;
  }
  port.postMessage({
    kind: "ready",
    name: policy.name,
    drawCount: policy.drawCount,
    valueCount: policy.valueCount ?? 1,
    usesPrefix: policy.usesPrefix,
    usesEngineLoad: policy.usesEngineLoad ?? false,
    hasGather: policy.gather !== undefined,
    hasSettle: policy.settle !== undefined,
  } satisfies FromPolicyThread);
  port.once("message", (first: ToPolicyThread) => new PolicyLoop(port, policy).run(first));
}

/** Answers requests for ever. */
class PolicyLoop {
  readonly #port: MessagePort;
  readonly #policy: Policy;
  readonly #idOfSlot: string[] = [];
  /** Ids of the candidates at hand. */
  readonly #workers: string[] = [];
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  #channel: PolicyChannel | undefined;
  #fetched = 0;

  constructor(port: MessagePort, policy: Policy) {
    this.#port = port;
    this.#policy = policy;
  }

  run(first: ToPolicyThread): never {
    this.#take(first);
    let answered = 0;
    for (;;) {
      const { control } = this.#channel!;
      Atomics.wait(control, CONTROL.asked, answered);
      const asked = Atomics.load(control, CONTROL.asked);
      if (asked === answered) {
        continue;
      }
      while (this.#fetched < Atomics.load(control, CONTROL.messages)) {
        this.#take((receiveMessageOnPort(this.#port) as { readonly message: ToPolicyThread }).message);
      }
      answered = asked;
      this.#answer(this.#channel!, asked);
    }
  }

  #take(message: ToPolicyThread): void {
    this.#fetched += 1;
    if (message.kind === "channel") {
      const valueCount = this.#policy.valueCount ?? 1;
      this.#channel = openChannel({ candidates: message.candidates, valueCount }, message.buffer);
    } else {
      for (const [slot, id] of message.ids) {
        this.#idOfSlot[slot] = id;
      }
    }
  }

  #answer(channel: PolicyChannel, asked: number): void {
    const { control, scalars } = channel;
    const startedAtMs = performance.now();
    let status: number = STATUS.done;
    try {
      this.#act(channel);
    } catch (error) {
      const isBadChoice = error instanceof RoutingError && error.code === "bad_choice";
      status = isBadChoice ? STATUS.badChoice : STATUS.threw;
      const { written } = this.#encoder.encodeInto(messageOf(error), channel.text);
      control[CONTROL.textBytes] = written;
    }
    scalars[SCALAR.busyMs] = performance.now() - startedAtMs;
    control[CONTROL.status] = status;
    Atomics.store(control, CONTROL.answered, asked);
    Atomics.notify(control, CONTROL.answered);
  }

  #act(channel: PolicyChannel): void {
    const { control, columns } = channel;
    const count = control[CONTROL.candidateCount]!;
    for (let candidate = 0; candidate < count; candidate += 1) {
      this.#workers[candidate] = this.#idOfSlot[columns.slots[candidate]!] ?? "";
    }
    const input = readInput(channel, { name: this.#policy.name, workers: this.#workers });
    switch (control[CONTROL.operation]) {
      case OPERATION.choose: {
        const choice = { candidate: 0, runnerUp: -1, tied: 1, reason: "score" as const };
        this.#policy.choose(input, choice);
        control[CONTROL.candidate] = choice.candidate;
        control[CONTROL.runnerUp] = choice.runnerUp;
        control[CONTROL.tied] = choice.tied;
        control[CONTROL.reason] = reasonCode(choice.reason);
        return;
      }
      case OPERATION.gather:
        this.#policy.gather?.(this.#contextOf(channel, input));
        return;
      default:
        this.#policy.settle?.(this.#contextOf(channel, input), control[CONTROL.candidate]!);
    }
  }

  #contextOf(channel: PolicyChannel, input: PolicyContext["input"]): PolicyContext {
    const text = this.#decoder.decode(channel.text.slice(0, channel.control[CONTROL.textBytes]));
    // A policy of the user's own is promised the facts alone, and no snapshot.
    return { input, generation: JSON.parse(text) as unknown } as PolicyContext;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
