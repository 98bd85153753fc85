/** Something that had output in this turn of the event loop. */
export interface TurnTarget {
  /** Called once before the turn ends. */
  endTurn(): void;
}

/**
 * Gathers the calls that had output and tells each of them once: at the end of the read that a transport says it is in,
 * else when the event loop has read all sockets that were ready. However many messages and streams there were.
 */
export class TurnQueue {
  #touched: TurnTarget[] = [];
  #spare: TurnTarget[] = [];
  #isInRead = false;

  /** The target must not be in the queue already. */
  add(target: TurnTarget): void {
    if (this.#touched.push(target) === 1 && !this.#isInRead) setImmediate(this.#run);
  }

  /** Takes back the target that was added last. @returns false when it is another one */
  takeBack(target: TurnTarget): boolean {
    const touched = this.#touched;
    if (!this.#isInRead || touched.length === 0 || touched[touched.length - 1] !== target) return false;
    touched.pop();
    return true;
  }

  /** A transport begins to handle what one read of a socket gave it; {@link TurnQueue.leave} has to follow. */
  enter(): void {
    this.#isInRead = true;
  }

  /** The read is handled: tells the calls now. */
  leave(): void {
    this.#isInRead = false;
    if (this.#touched.length > 0) this.#run();
  }

  readonly #run = (): void => {
    const targets = this.#touched;
    this.#touched = this.#spare;
    this.#spare = targets;
    for (const target of targets) target.endTurn();
    targets.length = 0;
  };
}
