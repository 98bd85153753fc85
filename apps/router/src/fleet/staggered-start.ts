import type { Timers } from "./timers.ts";

/** Engines that are reached for at the same time. */
const AT_ONCE = 4;
/** After so long the next one begins, whether an engine has answered or not: one that is silent holds up nobody. */
const HOLD_MS = 100;
/** How long one holds the next one up that has answered: it may be handing out the files that the others wait for. */
const ANSWERING_HOLD_MS = 1000;

/** An engine's turn to be reached for. A second call of its methods does nothing. */
export interface StartTurn {
  /** The engine has answered, and is asked for more. */
  answers(): void;
  /** It has been reached, or not. */
  end(): void;
}

/**
 * Lets engines be reached for a few at a time: of a hundred that are configured the first should serve before the last is asked
 * anything.
 */
export class StaggeredStart {
  readonly #timers: Pick<Timers, "after">;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(timers: Pick<Timers, "after">) {
    this.#timers = timers;
  }

  /** Resolves when it is the caller's turn. */
  async turn(): Promise<StartTurn> {
    if (this.#running < AT_ONCE) {
      this.#running += 1;
    } else {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    let isOver = false;
    let hasAnswered = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      cancel();
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    };
    let cancel = this.#timers.after(HOLD_MS, end);
    return {
      answers: () => {
        if (isOver || hasAnswered) return;
        hasAnswered = true;
        cancel();
        cancel = this.#timers.after(ANSWERING_HOLD_MS, end);
      },
      end,
    };
  }
}
