import { classifyText } from "../../template/python/text-class.ts";

const LONGEST_CLOSING = 32;
const HIGH_SURROGATE = /[\ud800-\udbff]$/;

/** The longest beginning two texts share, never half a code point. */
export function commonPrefix(first: string, second: string): string {
  const limit = Math.min(first.length, second.length);
  // Mostly one text is the other up to its closing brackets: then there is little to go through.
  const likely = Math.max(0, limit - LONGEST_CLOSING);
  let length = second.startsWith(first.slice(0, likely)) ? likely : 0;
  while (length < limit && first.charCodeAt(length) === second.charCodeAt(length)) length++;
  const prefix = first.slice(0, length);
  return length < Math.max(first.length, second.length) && HIGH_SURROGATE.test(prefix)
    ? prefix.slice(0, -1)
    : prefix;
}

/** The longest ending two texts share that holds no letter and no digit. */
function commonSuffix(first: string, second: string): string {
  let length = 0;
  while (length < Math.min(first.length, second.length)) {
    const unit = first.charCodeAt(first.length - length - 1);
    if (unit !== second.charCodeAt(second.length - length - 1)) break;
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    const size = isLow ? 2 : 1;
    const character = first.slice(first.length - length - size, first.length - length);
    if (!second.endsWith(character, second.length - length) || classifyText("isalnum", character)) break;
    length += size;
  }
  return length === 0 ? "" : first.slice(-length);
}

/**
 * What a text has gained over an older form of it, both of them closed by brackets and quotes that are not said yet: the
 * part between what they share at the beginning and the closing they share at the end.
 */
export function gainedText(current: string, old: string): string {
  const suffix = commonSuffix(current, old);
  const oldBody = suffix === "" ? old : old.slice(0, -suffix.length);
  const prefix = commonPrefix(current, oldBody);
  const body = suffix === "" ? current : current.slice(0, -suffix.length);
  if (prefix === "") return body;
  const at = body.indexOf(prefix);
  return at === -1 ? body : body.slice(0, at) + body.slice(at + prefix.length);
}
