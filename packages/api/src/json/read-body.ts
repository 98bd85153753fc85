import { byteKinds } from "./byte-kinds.ts";
import { commonLength, type EqualBytes } from "./common-length.ts";
import { type DecodeAscii, parseJsonPiece } from "./decode-bytes.ts";
import { jsonElements } from "./json-elements.ts";
import { jsonMembers, jsonMemberStart } from "./json-members.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./json-value.ts";
import { jsonWeight } from "./json-weight.ts";
import { OPEN_BRACKET } from "./json-punctuation.ts";

/** The member whose elements are read one by one. */
const LIST = "messages";

/** A JSON object whose `messages` were read one by one. */
export interface ReadBody {
  readonly bytes: Uint8Array;
  /** The array's first byte behind its opening bracket. */
  readonly open: number;
  /** Where its closing bracket is. */
  readonly close: number;
  /** Behind each element. */
  readonly ends: readonly number[];
  readonly elements: readonly JsonValue[];
  /** {@link jsonWeight} of the elements up to each. */
  readonly weights: readonly number[];
  /** The object, but with an empty array in the elements' place. */
  readonly rest: JsonObject;
  readonly restWeight: number;
}

/** The elements at the beginning of a body that a body read before began with. */
export interface SharedElements {
  readonly body: ReadBody;
  /** At least one. */
  readonly count: number;
}

/** What two bodies have in common; undefined where it is no element. */
export function sharedElements(
  bytes: Uint8Array,
  body: ReadBody,
  equals: EqualBytes,
): SharedElements | undefined {
  const { ends } = body;
  const common = commonLength(bytes, body.bytes.subarray(0, ends.at(-1)), equals);
  let count = 0;
  let after = ends.length;
  while (count < after) {
    const middle = (count + after) >>> 1;
    if ((ends[middle] as number) <= common) count = middle + 1;
    else after = middle;
  }
  return count === 0 ? undefined : { body, count };
}

/**
 * Reads an object in UTF-8 whose last `messages` is an array: every element by itself, and what is around them as a text of
 * its own.
 *
 * @returns undefined where the body is another, or is no JSON: somebody else has to say what it is
 * @throws {@link JsonError} in parts of the body that are no JSON
 */
export function readBody(
  bytes: Uint8Array,
  shared: SharedElements | undefined,
  decodeAscii: DecodeAscii | undefined,
): ReadBody | undefined {
  const open = shared?.body.open ?? jsonMemberStart(bytes, LIST) + 1;
  if (bytes[open - 1] !== OPEN_BRACKET) return undefined;
  const known = shared?.count ?? 0;
  const ends = shared?.body.ends.slice(0, known) ?? [];
  const found = jsonElements(bytes, ends.at(-1) ?? open, known > 0);
  if (found === undefined || known + found.spans.length === 0) return undefined;
  const { spans, close } = found;
  const rest = sharedRest(bytes, close, shared?.body) ?? readRest(bytes, { open, close }, decodeAscii);
  if (rest === undefined) return undefined;
  const elements = shared?.body.elements.slice(0, known) ?? [];
  const weights = shared?.body.weights.slice(0, known) ?? [];
  let weight = weights.at(-1) ?? 0;
  const all = byteKinds(bytes, ends.at(-1) ?? open, close);
  for (const { start, end } of spans) {
    const kinds = all.isAscii ? all : byteKinds(bytes, start, end);
    const element = parseJsonPiece(bytes, { start, end, depth: 2, kinds }, decodeAscii);
    elements.push(element);
    ends.push(end);
    weight += jsonWeight(element);
    weights.push(weight);
  }
  return { ...rest, bytes, open, close, ends, elements, weights };
}

interface Rest {
  readonly rest: JsonObject;
  readonly restWeight: number;
}

/** The other body's, where the same bytes are behind the array as behind its own. */
function sharedRest(bytes: Uint8Array, close: number, body: ReadBody | undefined): Rest | undefined {
  if (body === undefined || bytes.length - close !== body.bytes.length - body.close) return undefined;
  for (let at = close, other = body.close; at < bytes.length; at++, other++)
    if (bytes[at] !== body.bytes[other]) return undefined;
  return { rest: body.rest, restWeight: body.restWeight };
}

/** What is around the array's elements. */
function readRest(
  bytes: Uint8Array,
  { open, close }: { readonly open: number; readonly close: number },
  decodeAscii: DecodeAscii | undefined,
): Rest | undefined {
  const text = new Uint8Array(open + bytes.length - close);
  text.set(bytes.subarray(0, open));
  text.set(bytes.subarray(close), open);
  // Of two members of that name the last counts: the array must be it.
  const list = jsonMembers(text)?.get(LIST);
  if (list?.start !== open - 1 || list.end !== open + 1) return undefined;
  const rest = parseJsonPiece(
    text,
    { start: 0, end: text.length, depth: 0, kinds: byteKinds(text) },
    decodeAscii,
  );
  return isJsonObject(rest) ? { rest, restWeight: jsonWeight(rest) } : undefined;
}
