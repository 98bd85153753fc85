import type { CreateTextUnits } from "./text-units.ts";

/** Memory for texts as Node has it. */
export const createNodeTextUnits: CreateTextUnits = (size) => {
  const bytes = Buffer.allocUnsafeSlow(size);
  return {
    bytes,
    write: (text) => void bytes.write(text, 0, "utf16le"),
    equals: (start, other) => bytes.compare(other, 0, other.length, start, start + other.length) === 0,
  };
};
