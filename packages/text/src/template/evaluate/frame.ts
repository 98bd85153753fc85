import type { Value } from "../python/value.ts";

/** Texts of at least so many units are worth a piece of their own. */
export const LONG_UNITS = 256;

/**
 * Variables and output of one activation of the template's top level or of a macro. A slot that holds
 * `undefined` has not been assigned (jinja2's `missing`).
 */
export class Frame {
  readonly slots: (Value | undefined)[];
  /** The frame in which this macro was defined. */
  readonly parent: Frame | undefined;
  /** Text printed so far into the current buffer. */
  out = "";
  /** The pieces of the output that are finished: at the top level only, and only where it is wanted in pieces. */
  pieces: string[] | undefined;

  constructor(size: number, parent: Frame | undefined) {
    const slots: (Value | undefined)[] = [];
    for (let slot = 0; slot < size; slot++) slots.push(undefined);
    this.slots = slots;
    this.parent = parent;
  }

  /** Prints straight to the output; a long text is a piece of its own if pieces are wanted: it stays the text it was, which nothing has to join. */
  print(text: string): void {
    if (this.pieces === undefined || text.length < LONG_UNITS) {
      this.out += text;
      return;
    }
    this.endPiece();
    this.pieces.push(text);
  }

  /** Ends a piece of the output here, if pieces are wanted. What is printed must be on its way to the output. */
  endPiece(): void {
    if (this.pieces === undefined || this.out === "") return;
    this.pieces.push(this.out);
    this.out = "";
  }
}

/** An expression, compiled. */
export type Evaluate = (frame: Frame) => Value;

/** How a statement ended: 0 normally, 1 by `break`, 2 by `continue`. */
export type Signal = 0 | 1 | 2;

/** A statement, compiled. */
export type Execute = (frame: Frame) => Signal;
