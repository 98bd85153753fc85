import { expect } from "vitest";
import { continueEncoding, type CutEncoding } from "./cut-encoding.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** A text, and another that is encoded by what is known of the first. */
export interface TextPair {
  readonly earlier: string;
  readonly later: string;
  /** Units they are known to share; as many as they do, if it is left out. */
  readonly sharedUnits?: number;
}

/** An encoding in a form that is quickly compared and shown. */
function shown({ tokenIds, cuts }: CutEncoding): readonly string[] {
  return [tokenIds.join(), cuts.join()];
}

/** Checks that two texts come to the ids they have, the later one from its last cut on if there is one. Returns whether there is. */
export function expectContinued(
  { own, reference }: { readonly own: Tokenizer; readonly reference: Tokenizer },
  { earlier, later, sharedUnits = unitsShared(earlier, later) }: TextPair,
): boolean {
  const encoding = own.encodeWithCuts(earlier);
  expect(encoding.tokenIds.join()).toBe(reference.encode(earlier, false).join());
  const draft = reference.draft(earlier, true);
  expect(shown(draft.completeWithCuts(own.encodeStretches(draft.unknown)))).toEqual(shown(encoding));
  const cut = own.lastCut(encoding, sharedUnits);
  if (cut === undefined) return false;
  expect(cut.units).toBeLessThan(sharedUnits);
  const continued = continueEncoding(encoding, cut, own.encodeWithCuts(later.slice(cut.units)));
  expect(continued.tokenIds.join()).toBe(reference.encode(later, false).join());
  expect(shown(continued)).toEqual(shown(reference.encodeWithCuts(later)));
  return true;
}

/** Code units at the beginning of two texts that are the same. */
export function unitsShared(one: string, other: string): number {
  let count = 0;
  while (count < one.length && count < other.length && one.charCodeAt(count) === other.charCodeAt(count)) {
    count++;
  }
  return count;
}
