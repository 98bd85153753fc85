import { Worker } from "node:worker_threads";
import {
  RoutingError,
  type Choice,
  type DecisionInput,
  type Generation,
  type Policy,
  type PolicyContext,
} from "@vllm-router/routing-core";
import { RouterError } from "../../router-error.ts";
import type { Timers } from "../timers.ts";
import {
  CONTROL,
  openChannel,
  OPERATION,
  reasonOf,
  SCALAR,
  STATUS,
  writeInput,
  type PolicyChannel,
} from "./policy-channel.ts";
import type { FromPolicyThread, PolicySaid, ToPolicyThread } from "./policy-messages.ts";

/** What a {@link ThreadedPolicy} works with. */
export interface ThreadedPolicyOptions {
  /** The module. */
  readonly path: string;
  /** Longest time one call may take before the thread is ended, milliseconds. */
  readonly timeoutMs: number;
  /** Longest time loading may take, milliseconds. */
  readonly loadTimeoutMs: number;
  readonly timers: Timers;
  /** The policy wrote a line to its console. */
  readonly said: (text: string) => void;
  /** The thread ended by itself: nothing more can be asked of it. */
  readonly crashed: (error: Error) => void;
}

type Ready = Extract<FromPolicyThread, { readonly kind: "ready" }>;

/** What a policy may take of memory: it must not take the router's. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32, stackSizeMb: 4 };
const FIRST_CANDIDATES = 64;
/** An answer comes within microseconds as a rule: this long it is waited for without going to sleep. */
const SPIN_MS = 0.02;
/** Longest routing key, model name or adapter told to a policy, UTF-16 units. */
const MAX_FACT_LENGTH = 1_024;

/** The thread's file has the ending of this one: sources run as they are. */
const THREAD_FILE = import.meta.url.endsWith(".ts") ? "./policy-thread.ts" : "./policy-thread.js";
const SOURCE_CONDITION = ["--conditions=@vllm-router/source"];

/**
 * A policy of the user's own in a thread of its own, asked synchronously through shared memory: 6 to 15 µs a call. A call
 * that does not come back is cut by ending the thread, which nothing else can do to a loop without end.
 */
export class ThreadedPolicy implements Policy, AsyncDisposable {
  readonly name: string;
  readonly parameters = {};
  readonly drawCount: number;
  readonly valueCount: number;
  readonly usesPrefix: boolean;
  readonly usesEngineLoad: boolean;
  readonly gather?: (context: PolicyContext) => void;
  readonly settle?: (context: PolicyContext, candidate: number) => void;
  readonly #thread: Worker;
  readonly #timeoutMs: number;
  readonly #encoder = new TextEncoder();
  readonly #idOfSlot: string[] = [];
  #channel: PolicyChannel;
  /** The channel that the thread sleeps on: the one before, until it has fetched the new one. */
  #listening: PolicyChannel;
  #asked = 0;
  #messages = 0;
  #busyMs = 0;
  #isOver = false;

  private constructor(thread: Worker, ready: Ready, options: ThreadedPolicyOptions) {
    this.#thread = thread;
    this.#timeoutMs = options.timeoutMs;
    this.name = ready.name;
    this.drawCount = ready.drawCount;
    this.valueCount = ready.valueCount;
    this.usesPrefix = ready.usesPrefix;
    this.usesEngineLoad = ready.usesEngineLoad;
    if (ready.hasGather) {
      this.gather = (context) => this.#gather(context);
    }
    if (ready.hasSettle) {
      this.settle = (context, candidate) => this.#settle(context, candidate);
    }
    this.#channel = this.#openChannel(FIRST_CANDIDATES);
    this.#listening = this.#channel;
    const ended = (error: Error): void => {
      if (!this.#isOver) {
        this.#isOver = true;
        options.crashed(error);
      }
    };
    thread.on("message", (message: PolicySaid) => options.said(message.text));
    thread.on("error", ended);
    thread.on("exit", (code) => ended(new Error(`the policy's thread ended with code ${code}`)));
  }

  /**
   * Loads a module and lets it make a trial decision.
   * @throws RouterError `policy_file` with what is wrong with it
   */
  static async load(options: ThreadedPolicyOptions): Promise<ThreadedPolicy> {
    const thread = new Worker(new URL(THREAD_FILE, import.meta.url), {
      workerData: { path: options.path },
      resourceLimits: RESOURCE_LIMITS,
      ...(THREAD_FILE.endsWith(".ts") ? { execArgv: SOURCE_CONDITION } : {}),
    });
    try {
      const said = await firstMessage(thread, options);
      if (said.kind === "failed") {
        throw new Error(said.message);
      }
      return new ThreadedPolicy(thread, said, options);
    } catch (error) {
      await thread.terminate();
      const message = error instanceof Error ? error.message : String(error);
      throw new RouterError("policy_file", `${options.path}: ${message}`, { cause: error });
    }
  }

  /** Milliseconds that the policy's own code took in the last call, and in a `settle` that it had to wait for. */
  get busyMs(): number {
    return this.#busyMs;
  }

  choose(input: DecisionInput, choice: Choice): void {
    this.#write(input);
    this.#ask(OPERATION.choose);
    this.#awaitAnswer();
    const { control, columns } = this.#channel;
    input.scores.set(columns.scores.subarray(0, input.candidateCount));
    choice.candidate = control[CONTROL.candidate]!;
    choice.runnerUp = control[CONTROL.runnerUp]!;
    choice.tied = control[CONTROL.tied]!;
    choice.reason = reasonOf(control[CONTROL.reason]!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#thread.terminate();
  }

  #gather({ input, generation }: PolicyContext): void {
    this.#write(input);
    this.#writeFacts(generation);
    this.#ask(OPERATION.gather);
    this.#awaitAnswer();
    input.policyValues.set(this.#channel.policyValues.subarray(0, input.candidateCount * input.valueCount));
  }

  /** Does not wait: the next call will. */
  #settle({ input, generation }: PolicyContext, candidate: number): void {
    this.#write(input);
    this.#writeFacts(generation);
    this.#channel.control[CONTROL.candidate] = candidate;
    this.#ask(OPERATION.settle);
  }

  #write(input: DecisionInput): void {
    this.#busyMs = 0;
    this.#awaitAnswer();
    if (this.#isOver) {
      throw new RouterError("policy_file", "the policy's thread has ended");
    }
    if (input.candidateCount > this.#channel.candidates) {
      this.#channel = this.#openChannel(2 * input.candidateCount);
    }
    this.#tellWorkers(input);
    writeInput(this.#channel, input);
  }

  #writeFacts({ requestId, model, promptTokens, maxTokens, routingKey, loraName }: Generation): void {
    const facts = JSON.stringify({
      requestId: requestId.slice(0, MAX_FACT_LENGTH),
      model: model.slice(0, MAX_FACT_LENGTH),
      promptTokens,
      maxTokens,
      routingKey: routingKey?.slice(0, MAX_FACT_LENGTH),
      loraName: loraName?.slice(0, MAX_FACT_LENGTH),
    });
    const { written } = this.#encoder.encodeInto(facts, this.#channel.text);
    this.#channel.control[CONTROL.textBytes] = written;
  }

  #tellWorkers(input: DecisionInput): void {
    let changed: (readonly [number, string])[] | undefined;
    for (let candidate = 0; candidate < input.candidateCount; candidate += 1) {
      const slot = input.slots[candidate]!;
      const id = input.workers[candidate]!;
      if (this.#idOfSlot[slot] !== id) {
        this.#idOfSlot[slot] = id;
        changed = [...(changed ?? []), [slot, id]];
      }
    }
    if (changed !== undefined) {
      this.#post({ kind: "workers", ids: changed });
    }
  }

  #openChannel(candidates: number): PolicyChannel {
    const channel = openChannel({ candidates, valueCount: this.valueCount });
    channel.control[CONTROL.answered] = this.#asked;
    channel.control[CONTROL.status] = STATUS.done;
    this.#post({ kind: "channel", buffer: channel.buffer, candidates });
    return channel;
  }

  /** Posts a message that the thread fetches at the next request. */
  #post(message: ToPolicyThread): void {
    this.#thread.postMessage(message);
    this.#messages += 1;
  }

  #ask(operation: number): void {
    const { control } = this.#channel;
    const listening = this.#listening.control;
    control[CONTROL.operation] = operation;
    this.#asked += 1;
    listening[CONTROL.messages] = this.#messages;
    Atomics.store(control, CONTROL.asked, this.#asked);
    Atomics.store(listening, CONTROL.asked, this.#asked);
    Atomics.notify(listening, CONTROL.asked);
    this.#listening = this.#channel;
  }

  /** Waits for the answer to the latest request, if it is still out. */
  #awaitAnswer(): void {
    const { control, scalars } = this.#channel;
    if (this.#isOver || (this.#asked === Atomics.load(control, CONTROL.answered) && this.#isAnswerRead())) {
      return;
    }
    const startedAtMs = performance.now();
    while (Atomics.load(control, CONTROL.answered) !== this.#asked) {
      const waitedMs = performance.now() - startedAtMs;
      if (waitedMs < SPIN_MS) {
        continue;
      }
      if (waitedMs >= this.#timeoutMs) {
        this.#isOver = true;
        void this.#thread.terminate();
        throw new RouterError("policy_timeout", `a call did not come back within ${this.#timeoutMs} ms`);
      }
      Atomics.wait(control, CONTROL.answered, this.#asked - 1, this.#timeoutMs - waitedMs);
    }
    this.#busyMs += scalars[SCALAR.busyMs]!;
    const status = control[CONTROL.status];
    control[CONTROL.status] = STATUS.done;
    if (status === STATUS.done) {
      return;
    }
    const message = new TextDecoder().decode(this.#channel.text.slice(0, control[CONTROL.textBytes]));
    throw status === STATUS.badChoice
      ? new RoutingError("bad_choice", message)
      : new RouterError("policy_file", message);
  }

  #isAnswerRead(): boolean {
    return this.#channel.control[CONTROL.status] === STATUS.done;
  }
}

/** What the thread says first. @throws Error when it fails, ends or says nothing */
function firstMessage(
  thread: Worker,
  { timers, loadTimeoutMs, said }: ThreadedPolicyOptions,
): Promise<FromPolicyThread> {
  return new Promise((resolve, reject) => {
    // One by one: the worker has listeners of its own, without which it delivers nothing any more.
    const settle = (act: () => void): void => {
      cancelTimer();
      thread.off("message", heard);
      thread.off("error", failed);
      thread.off("exit", ended);
      act();
    };
    const heard = (message: FromPolicyThread | PolicySaid): void => {
      if (message.kind === "said") {
        said(message.text);
      } else {
        settle(() => resolve(message));
      }
    };
    const failed = (error: Error): void => settle(() => reject(error));
    const ended = (code: number): void => failed(new Error(`it ended its thread with code ${code}`));
    const cancelTimer = timers.after(loadTimeoutMs, () =>
      failed(new Error(`it was not loaded within ${loadTimeoutMs / 1000} s`)),
    );
    thread.on("message", heard);
    thread.on("error", failed);
    thread.on("exit", ended);
  });
}
