import { mergeMetrics, printMetrics } from "../observability/merged-metrics.ts";
import type { PrintedMetric } from "../observability/metric-cells.ts";
import type { AwaitedAnswers } from "./awaited-answers.ts";
import type { ThreadHandle } from "./thread-handle.ts";

/** A thread that does not tell its metrics in time is left out with what is new. */
const TIMEOUT_MS = 2_000;

/**
 * The metrics of all threads as one. What a thread had counted when it was asked last is kept when it dies, so that sums do
 * not fall; what it counted after that is lost with it.
 */
export class ThreadMetrics {
  readonly #answers: AwaitedAnswers;
  readonly #last: (readonly PrintedMetric[])[] = [];
  #retired: readonly PrintedMetric[] = [];
  #questions = 0;

  constructor(answers: AwaitedAnswers) {
    this.#answers = answers;
  }

  /** Prints what the fleet's thread and all others have. */
  async text(
    own: () => Promise<readonly PrintedMetric[]>,
    threads: readonly ThreadHandle[],
  ): Promise<string> {
    const told = await Promise.all(threads.map((handle) => this.#familiesOf(handle)));
    return printMetrics(mergeMetrics([await own(), this.#retired, ...told]));
  }

  /** A thread is gone. */
  retire(thread: number): void {
    const counted = (this.#last[thread] ?? []).filter(({ type }) => type !== "gauge");
    this.#retired = mergeMetrics([this.#retired, counted]);
    this.#last[thread] = [];
  }

  async #familiesOf(handle: ThreadHandle): Promise<readonly PrintedMetric[]> {
    const { thread } = handle;
    if (handle.isServing) {
      this.#questions += 1;
      const question = this.#questions;
      const heard = this.#answers.heard(thread, `metrics ${question}`, TIMEOUT_MS);
      handle.tell({ kind: "tell-metrics", question });
      const answer = await heard;
      if (answer?.kind === "metrics") {
        this.#last[thread] = answer.families;
      }
    }
    return this.#last[thread] ?? [];
  }
}
