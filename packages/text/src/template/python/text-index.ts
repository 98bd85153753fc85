import { fail } from "./failure.ts";

const SURROGATE = /[\ud800-\udfff]/;

/** `len(text)`: code points, not UTF-16 units. */
export function textLength(text: string): number {
  if (!SURROGATE.test(text)) return text.length;
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    count++;
    if ((text.codePointAt(index) ?? 0) > 0xffff) index++;
  }
  return count;
}

/** The characters of a text, one per code point. */
export function textCharacters(text: string): string[] {
  return SURROGATE.test(text) ? [...text] : text.split("");
}

/** `text[index]` with Python's negative indexes; `undefined` when out of range. */
export function textAt(text: string, index: number): string | undefined {
  if (SURROGATE.test(text)) return [...text].at(index);
  return text.at(index);
}

/** `text[start:stop]` for bounds that are already within the text. */
export function textSlice(text: string, start: number, stop: number): string {
  if (stop <= start) return "";
  return SURROGATE.test(text) ? [...text].slice(start, stop).join("") : text.slice(start, stop);
}

/** `text * times`. */
export function repeatText(text: string, times: number): string {
  if (times <= 0 || text === "") return "";
  // The longest string V8 can hold; Python would raise MemoryError, whose text is empty.
  if (text.length * times > 536_870_888) fail("");
  return text.repeat(times);
}

/** `slice(start, stop, step).indices(length)`: bounds clamped to the sequence, negative ones counted from its end. */
export function sliceBounds(
  bounds: { readonly start: number | undefined; readonly stop: number | undefined; readonly step: number },
  length: number,
): readonly [start: number, stop: number] {
  const { step } = bounds;
  const lowest = step < 0 ? -1 : 0;
  const highest = step < 0 ? length - 1 : length;
  const clamp = (index: number): number =>
    index < 0 ? Math.max(index + length, lowest) : Math.min(index, highest);
  const start = bounds.start === undefined ? (step < 0 ? highest : lowest) : clamp(bounds.start);
  const stop = bounds.stop === undefined ? (step < 0 ? lowest : highest) : clamp(bounds.stop);
  return [start, stop];
}
