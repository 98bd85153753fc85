import { mergeMetrics, printMetrics } from "../observability/merged-metrics.ts";
import type { PrintedMetric } from "../observability/metric-cells.ts";
import type { AwaitedAnswers } from "./awaited-answers.ts";
import type { ThreadHandle } from "./thread-handle.ts";

/**
 * The metrics of all threads as one; a thread that does not tell its own in time is left out with what is new. What a thread had counted when it was asked last is kept when it dies, so that sums do
 * not fall; what it counted after that is lost with it.
 */
export class ThreadMetrics {
  readonly #answers: AwaitedAnswers;
  readonly #last: (readonly PrintedMetric[])[] = [];
  #retired: readonly PrintedMetric[] = [];

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
      const answer = await this.#answers.ask(handle, "metrics", (question) => ({
        kind: "tell-metrics",
        question,
      }));
      if (answer?.kind === "metrics") {
        this.#last[thread] = answer.families;
      }
    }
    return this.#last[thread] ?? [];
  }
}
