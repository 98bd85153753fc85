import type { Clock, Timer } from "./clock.ts";
import type { KvEvent } from "./kv-events.ts";
import { createLoadTracker, type LoadTracker } from "./load-tracker.ts";
import type { ScheduledSequence } from "./scheduled-sequence.ts";
import { Scheduler, type SchedulerLimits } from "./scheduler.ts";
import type { Sequence } from "./sequence.ts";
import { stepDurationMs, type StepTiming } from "./step-timing.ts";

/** Hears what one sequence produces; called once per step and sequence. */
export interface SequenceSink {
  token(sequence: Sequence, id: number): void;
}

/** What a rank needs from the engine around it. */
export interface EngineRankContext {
  readonly limits: SchedulerLimits;
  readonly rootHash: bigint;
  readonly clock: Clock;
  /** Read before every step, so that faults and tests can change it. */
  timing(): StepTiming;
  /** True while the engine hangs: no step runs. */
  isHanging(): boolean;
  /** Changes of the prefix cache, at most once per step. */
  kvEvents(rank: number, events: KvEvent[]): void;
  /** After the tokens of a step went out. */
  stepEnded(tokens: number): void;
}

/** Steps may start this late without the lost time being made up. */
const maxLagMs = 50;

/** One data-parallel rank: its scheduler and the timer that runs its steps, one for all of its sequences. */
export class EngineRank {
  readonly rank: number;
  readonly loads: LoadTracker;
  /** Since the start of this life. */
  readonly totals = { promptTokens: 0, cachedTokens: 0, generatedTokens: 0 };
  readonly #context: EngineRankContext;
  readonly #scheduler: Scheduler;
  readonly #sequences = new Map<ScheduledSequence, { sequence: Sequence; sink: SequenceSink }>();
  #timer: Timer | undefined;
  #dueAtMs = 0;
  #isStepOpen = false;
  #isClosed = false;

  constructor(rank: number, context: EngineRankContext) {
    this.rank = rank;
    this.#context = context;
    this.#scheduler = new Scheduler(context.limits, context.rootHash);
    this.loads = createLoadTracker(() => context.clock.monotonicMs());
  }

  get runningCount(): number {
    return this.#scheduler.runningCount;
  }

  get waitingCount(): number {
    return this.#scheduler.waitingCount;
  }

  get waitingTokens(): number {
    return this.#scheduler.waitingTokens;
  }

  get kvUsage(): number {
    return this.#scheduler.kvUsage;
  }

  add(sequence: Sequence, sink: SequenceSink): void {
    this.#sequences.set(sequence.scheduled, { sequence, sink });
    this.#scheduler.add(sequence.scheduled);
    this.wake();
  }

  /** Ends a sequence before its time; nothing more is heard of it. */
  abort(sequence: Sequence): void {
    if (this.#sequences.delete(sequence.scheduled)) this.#scheduler.remove(sequence.scheduled);
  }

  /** Empties the prefix cache; refused (false) while sequences run. */
  clearCache(): boolean {
    const cleared = this.#scheduler.clearCache();
    this.#publishEvents();
    return cleared;
  }

  /** Goes on stepping if there is work and no step is under way: after a new sequence, after a hang. */
  wake(): void {
    if (this.#timer !== undefined || this.#isClosed || this.#context.isHanging()) return;
    this.#dueAtMs = this.#context.clock.monotonicMs();
    // Requests that arrive together are admitted together.
    this.#timer = this.#context.clock.after(0, () =>
      this.#isStepOpen ? this.#endStep() : this.#startStep(),
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sequences.clear();
  }

  #startStep(): void {
    this.#timer = undefined;
    if (this.#isClosed || this.#context.isHanging() || this.#sequences.size === 0) return;
    const step = this.#scheduler.step();
    if (step === undefined) return;
    this.#isStepOpen = true;
    const { clock } = this.#context;
    const now = clock.monotonicMs();
    this.#dueAtMs = Math.max(this.#dueAtMs, now - maxLagMs) + stepDurationMs(step, this.#context.timing());
    this.#timer = clock.after(Math.max(0, this.#dueAtMs - now), () => this.#endStep());
  }

  #endStep(): void {
    this.#timer = undefined;
    if (this.#context.isHanging()) return;
    this.#isStepOpen = false;
    let tokens = 0;
    for (const scheduled of this.#scheduler.sampling) {
      const entry = this.#sequences.get(scheduled);
      // Aborted while the step ran.
      if (entry === undefined) continue;
      if (entry.sequence.outputTokens === 0) this.#countStart(scheduled);
      const id = entry.sequence.draw();
      if (entry.sequence.finish !== undefined) this.abort(entry.sequence);
      entry.sink.token(entry.sequence, id);
      tokens++;
    }
    this.loads.generated(tokens);
    this.totals.generatedTokens += tokens;
    this.#publishEvents();
    this.#context.stepEnded(tokens);
    this.#startStep();
  }

  #countStart({ promptTokens, cachedTokens }: ScheduledSequence): void {
    this.loads.started(promptTokens, cachedTokens);
    this.totals.promptTokens += promptTokens;
    this.totals.cachedTokens += cachedTokens;
  }

  #publishEvents(): void {
    const events = this.#scheduler.takeEvents();
    if (events.length > 0) this.#context.kvEvents(this.rank, events);
  }
}
