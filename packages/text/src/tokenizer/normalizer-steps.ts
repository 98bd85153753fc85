import { unknownToNormalization } from "./unicode-differences.ts";

/** Rewrites a text before it is split into words. */
export type Normalizer = (text: string) => string;

const nonAscii = /[^\0-\x7f]/;
const unknown = new RegExp(`[${unknownToNormalization}]`, "v");
const knownStretch = new RegExp(`[^${unknownToNormalization}]+`, "gv");

/** Below this every character is as NFC has it, whatever stands beside it. */
export const FIRST_COMPOSING = 0x300;
const PAGE = 256;

/** Marks and Hangul jamo may join the character before them; no other characters do. */
const joining = new RegExp(`[\\p{M}\\u{1161}-\\u{1175}\\u{11a8}-\\u{11c2}${unknownToNormalization}]`, "v");

/** For each 256 code points met so far: 1 for those that NFC may change, or that may change their neighbours. */
const composingPages: (Uint8Array | undefined)[] = [];

function composingPage(number: number): Uint8Array {
  const page = new Uint8Array(PAGE);
  for (let index = 0; index < PAGE; index++) {
    const character = String.fromCodePoint(number * PAGE + index);
    if (joining.test(character) || character.normalize("NFC") !== character) page[index] = 1;
  }
  composingPages[number] = page;
  return page;
}

/** Whether NFC may change a character from {@link FIRST_COMPOSING} on, or its neighbours because of it. */
export function mayCompose(code: number): boolean {
  const page = composingPages[code >>> 8] ?? composingPage(code >>> 8);
  return page[code & (PAGE - 1)] === 1;
}

/** Finds the next character that may compose; on a text that V8 keeps in Latin-1 it costs nothing. */
const composing = /[^\0-\u02ff]/g;
/** After so many units that cannot compose, {@link composing} looks for the next one: it is quicker over long stretches. */
const PLAIN_RUN = 32;

/** True when NFC leaves a text as it is because of each of its characters alone; false says nothing. */
function isPlainlyComposed(text: string): boolean {
  let plain = PLAIN_RUN;
  for (let index = 0; index < text.length; index++) {
    if (plain === PLAIN_RUN) {
      composing.lastIndex = index;
      const match = composing.exec(text);
      if (match === null) return true;
      ({ index } = match);
    }
    const unit = text.charCodeAt(index);
    if (unit < FIRST_COMPOSING) {
      plain++;
      continue;
    }
    plain = 0;
    const code = text.codePointAt(index) as number;
    if (code > 0xffff) index++;
    if (mayCompose(code)) return false;
  }
  return true;
}

/** A text in a normal form, as far as the library's Unicode data goes. */
export function normalizeKnown(text: string, form: "NFC" | "NFD" | "NFKC" | "NFKD"): string {
  if (form === "NFC" ? isPlainlyComposed(text) : !nonAscii.test(text)) return text;
  if (!unknown.test(text)) return text.normalize(form);
  return text.replace(knownStretch, (stretch) => stretch.normalize(form));
}

/** Lower case, character by character as Rust does it: a final sigma is no special case. */
export function lowercase(text: string): string {
  if (!nonAscii.test(text)) return text.toLowerCase();
  return text.replace(/\P{ASCII}|[A-Z]/gu, (character) => character.toLowerCase());
}
