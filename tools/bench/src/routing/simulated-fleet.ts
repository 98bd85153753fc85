import type { KvEvent } from "@vllm-router/routing-core";
import { join } from "node:path";
import { BENCH_FOLDER } from "../bench-paths.ts";

/** A sequence in an engine's scheduler, as far as the simulation looks at it. */
export interface SimulatedSequence {
  readonly tokens: number[];
  readonly promptTokens: number;
  readonly cachedTokens: number;
}

interface Step {
  readonly prefillTokens: number;
  readonly decodeSequences: number;
}

interface SimulatedScheduler {
  readonly sampling: readonly SimulatedSequence[];
  readonly runningCount: number;
  readonly waitingCount: number;
  readonly kvUsage: number;
  add(sequence: SimulatedSequence): void;
  remove(sequence: SimulatedSequence): void;
  step(): Step | undefined;
  takeEvents(): readonly SimulatedEvent[];
}

interface SimulatedEvent {
  readonly kind: "stored" | "removed" | "cleared";
  readonly hashes: readonly bigint[];
  readonly parent?: bigint;
  readonly tokenIds: readonly number[];
}

interface SchedulerModule {
  Scheduler: new (limits: Readonly<Record<string, number>>, rootHash: bigint) => SimulatedScheduler;
}

interface TimingModule {
  readonly stepDurationMs: (step: Step, timing: Readonly<Record<string, number>>) => number;
}

interface SequenceModule {
  readonly scheduledSequence: (prompt: readonly number[], readsPrefixCache: boolean) => SimulatedSequence;
}

const source = (file: string): Promise<unknown> =>
  import(join(BENCH_FOLDER, "../../packages/simulator/src", file));
// By their paths: the tools do not depend on the simulator.
const { Scheduler } = (await source("scheduler.ts")) as SchedulerModule;
const { stepDurationMs } = (await source("step-timing.ts")) as TimingModule;
const { scheduledSequence } = (await source("scheduled-sequence.ts")) as SequenceModule;

/** The simulator's own defaults. */
const TIMING = { stepMs: 8, prefillTokensPerSecond: 20_000, sequenceMs: 0.05, speed: 1 };

/** Makes the scheduler's part of a request. */
export function simulatedSequence(prompt: readonly number[]): SimulatedSequence {
  return scheduledSequence(prompt, true);
}

/** Runs tasks at instants of a time of its own, in the order of these; tasks of one instant in the order they were set. */
export class SimulatedTime {
  nowMs = 0;
  #count = 0;
  readonly #heap: { readonly atMs: number; readonly order: number; readonly task: () => void }[] = [];

  after(delayMs: number, task: () => void): void {
    const heap = this.#heap;
    const entry = { atMs: this.nowMs + delayMs, order: (this.#count += 1), task };
    let at = heap.push(entry) - 1;
    while (at > 0 && isBefore(entry, heap[(at - 1) >> 1]!)) {
      heap[at] = heap[(at - 1) >> 1]!;
      at = (at - 1) >> 1;
    }
    heap[at] = entry;
  }

  /** Until nothing is left to do. */
  run(): void {
    const heap = this.#heap;
    for (let first = heap[0]; first !== undefined; first = heap[0]) {
      const last = heap.pop()!;
      let at = 0;
      for (let child = 1; child < heap.length; child = 2 * at + 1) {
        if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
        if (!isBefore(heap[child]!, last)) break;
        heap[at] = heap[child]!;
        at = child;
      }
      if (heap.length > 0) heap[at] = last;
      this.nowMs = first.atMs;
      first.task();
    }
  }
}

function isBefore(
  one: { readonly atMs: number; readonly order: number },
  other: { readonly atMs: number; readonly order: number },
): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

/** The simulator's scheduler and pace of one engine, in simulated time and without a network. */
export class SimulatedEngine {
  readonly totals = { promptTokens: 0, cachedTokens: 0, generatedTokens: 0 };
  readonly scheduler: SimulatedScheduler;
  readonly #time: SimulatedTime;
  readonly #onToken: (sequence: SimulatedSequence) => boolean;
  readonly #onEvents: (events: readonly KvEvent[]) => void;
  #isBusy = false;

  /** @param options `onToken` says whether the sequence has ended with this token */
  constructor(options: {
    readonly time: SimulatedTime;
    readonly at: number;
    readonly kvBlocks: number;
    readonly onToken: (sequence: SimulatedSequence) => boolean;
    readonly onEvents: (events: readonly KvEvent[]) => void;
  }) {
    this.#time = options.time;
    this.#onToken = options.onToken;
    this.#onEvents = options.onEvents;
    const limits = { blockSize: 16, kvBlocks: options.kvBlocks, maxNumSeqs: 256, maxNumBatchedTokens: 8_192 };
    this.scheduler = new Scheduler(limits, BigInt(options.at + 1));
  }

  add(sequence: SimulatedSequence): void {
    this.scheduler.add(sequence);
    if (!this.#isBusy) {
      this.#isBusy = true;
      this.#time.after(0, () => this.#startStep());
    }
  }

  #startStep(): void {
    const step = this.scheduler.step();
    this.#isBusy = step !== undefined;
    if (step !== undefined) this.#time.after(stepDurationMs(step, TIMING), () => this.#endStep());
  }

  #endStep(): void {
    for (const sequence of this.scheduler.sampling) {
      if (sequence.tokens.length === sequence.promptTokens) {
        this.totals.promptTokens += sequence.promptTokens;
        this.totals.cachedTokens += sequence.cachedTokens;
      }
      this.totals.generatedTokens += 1;
      sequence.tokens.push((sequence.tokens.length * 7_919 + sequence.promptTokens) % 50_000);
      if (this.#onToken(sequence)) this.scheduler.remove(sequence);
    }
    const events = this.scheduler.takeEvents();
    if (events.length > 0) this.#onEvents(events.map(eventOf));
    this.#startStep();
  }
}

function eventOf(event: SimulatedEvent): KvEvent {
  if (event.kind === "cleared") return { kind: "cleared" };
  const hashes = hashWords(event.hashes);
  if (event.kind === "removed") return { kind: "removed", hashes, medium: "device" };
  return {
    kind: "stored",
    hashes,
    parent: event.parent === undefined ? undefined : hashWords([event.parent]),
    tokenIds: Int32Array.from(event.tokenIds),
    medium: "device",
  };
}

function hashWords(hashes: readonly bigint[]): Int32Array {
  return new Int32Array(BigInt64Array.from(hashes).buffer);
}
