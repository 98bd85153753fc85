import { unknownToNormalization } from "./unicode-differences.ts";

/** Rewrites a text before it is split into words. */
export type Normalizer = (text: string) => string;

const nonAscii = /[^\0-\x7f]/;
const unknown = new RegExp(`[${unknownToNormalization}]`, "v");
const knownStretch = new RegExp(`[^${unknownToNormalization}]+`, "gv");

/** A text in a normal form, as far as the library's Unicode data goes. */
export function normalizeKnown(text: string, form: "NFC" | "NFD" | "NFKC" | "NFKD"): string {
  if (!nonAscii.test(text)) return text;
  if (!unknown.test(text)) return text.normalize(form);
  return text.replace(knownStretch, (stretch) => stretch.normalize(form));
}

/** Lower case, character by character as Rust does it: a final sigma is no special case. */
export function lowercase(text: string): string {
  if (!nonAscii.test(text)) return text.toLowerCase();
  return text.replace(/\P{ASCII}|[A-Z]/gu, (character) => character.toLowerCase());
}
