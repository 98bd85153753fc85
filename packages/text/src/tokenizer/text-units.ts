/**
 * Memory that holds the UTF-16 of one text at a time, to be compared with that of others. ECMAScript can only go through a text unit by unit;
 * a runtime that copies and compares memory at once gives an implementation of its own.
 */
export interface TextUnits {
  /** Two bytes a unit, the low one first; begins at an even place of its buffer. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Writes a text from the beginning of {@link TextUnits.bytes}; it fits. */
  write(text: string): void;
  /** Whether the bytes from a place on are those of `other`. */
  equals(start: number, other: Uint8Array): boolean;
}

/** Some units of a text in memory. */
export interface UnitRange {
  /** The memory. */
  readonly view: DataView;
  /** The first unit. */
  readonly start: number;
  /** The unit behind the last one. */
  readonly end: number;
}

/** Makes memory for texts. */
export type CreateTextUnits = (bytes: number) => TextUnits;

/** Memory for texts as any runtime has it. */
export const createPlainTextUnits: CreateTextUnits = (size) => {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  return {
    bytes,
    write(text) {
      for (let index = 0; index < text.length; index++)
        view.setUint16(index * 2, text.charCodeAt(index), true);
    },
    equals(start, other) {
      let at = 0;
      while (at < other.length && bytes[start + at] === other[at]) at++;
      return at === other.length;
    },
  };
};
