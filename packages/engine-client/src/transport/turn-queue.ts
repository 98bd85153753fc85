/** Something that had output in this turn of the event loop. */
export interface TurnTarget {
  /** Called once before the turn ends. */
  endTurn(): void;
}

/**
 * Gathers the calls that had output while the event loop was reading sockets, and tells each of them once when the
 * reading is over: one immediate per turn, however many messages and streams there were.
 */
export class TurnQueue {
  #touched: TurnTarget[] = [];
  #spare: TurnTarget[] = [];

  /** The target must not be in the queue already. */
  add(target: TurnTarget): void {
    if (this.#touched.push(target) === 1) setImmediate(this.#run);
  }

  readonly #run = (): void => {
    const targets = this.#touched;
    this.#touched = this.#spare;
    this.#spare = targets;
    for (const target of targets) target.endTurn();
    targets.length = 0;
  };
}
