import { strip } from "./whitespace.ts";

const DIGITS_BY_BASE = "0123456789abcdefghijklmnopqrstuvwxyz";
const PREFIXES: Readonly<Record<number, string>> = { 2: "0b", 8: "0o", 16: "0x" };

/** `int(text, base)`; `undefined` for what Python refuses. */
export function parseIntegerText(text: string, base: number): bigint | undefined {
  const match = /^([+-]?)([0-9a-z_]+)$/i.exec(strip(text, "both"));
  if (match === null) return undefined;
  let digits = (match[2] ?? "").toLowerCase();
  let radix = base;
  for (const [prefixBase, prefix] of Object.entries(PREFIXES)) {
    if ((radix === 0 || radix === Number(prefixBase)) && digits.startsWith(prefix)) {
      radix = Number(prefixBase);
      digits = digits.slice(2).replace(/^_/, "");
    }
  }
  if (radix === 0) radix = 10;
  if (!/^[0-9a-z]+(?:_[0-9a-z]+)*$/.test(digits)) return undefined;
  let value = 0n;
  for (const digit of digits.replaceAll("_", "")) {
    const worth = DIGITS_BY_BASE.indexOf(digit);
    if (worth >= radix) return undefined;
    value = value * BigInt(radix) + BigInt(worth);
  }
  return match[1] === "-" ? -value : value;
}

const FLOAT = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+(?:_\d+)*)?$/i;
const SPECIAL = /^([+-]?)(?:(inf(?:inity)?)|nan)$/i;

/** `float(text)`; `undefined` for what Python refuses. */
export function parseFloatText(text: string): number | undefined {
  const trimmed = strip(text, "both");
  if (FLOAT.test(trimmed)) return Number(trimmed.replaceAll("_", ""));
  const special = SPECIAL.exec(trimmed);
  if (special === null) return undefined;
  if (special[2] === undefined) return Number.NaN;
  return special[1] === "-" ? -Infinity : Infinity;
}
