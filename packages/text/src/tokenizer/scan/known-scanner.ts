import { isJsonObject, type JsonObject } from "../json-object.ts";
import { createCaseRunScanner } from "./case-run-scanner.ts";
import { deepseekScanner } from "./deepseek-scanner.ts";
import { createGpt2Scanner } from "./gpt2-scanner.ts";
import { createLetterRunScanner } from "./letter-run-scanner.ts";
import type { WordScanner } from "./word-scanner.ts";

const CONTRACTIONS = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)`;
const SPACES = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const BEFORE = String.raw`[^\r\n\p{L}\p{N}]?`;
const LARGE = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const SMALL = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;

const letterRuns = (numbers: string): string =>
  String.raw`${CONTRACTIONS}|${BEFORE}\p{L}+|${numbers}| ?[^\s\p{L}\p{N}]+[\r\n]*|${SPACES}`;
const caseRuns = (contraction: string, numbers: string): string =>
  `${BEFORE}${LARGE}*${SMALL}+${contraction}|${BEFORE}${LARGE}+${SMALL}*${contraction}|` +
  String.raw`${numbers}| ?[^\s\p{L}\p{N}]+[\r\n/]*|${SPACES}`;
const markedRuns = (numbers: string): string =>
  String.raw`${CONTRACTIONS}|${BEFORE}[\p{L}\p{M}]+|${numbers}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|${SPACES}`;

const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const GPT2_SHORT = String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const DEEPSEEK = [
  String.raw`\p{N}{1,3}`,
  "[一-龥぀-ゟ゠-ヿ]+",
  String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_${"`"}{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${SPACES}`,
];

/** Scanners by what `tokenizer.json` writes: its patterns, in order. */
const byPatterns: ReadonlyMap<string, () => WordScanner> = new Map([
  [letterRuns(String.raw`\p{N}{1,3}`), () => createLetterRunScanner({ digits: 3, marks: false })],
  [letterRuns(String.raw`\p{N}`), () => createLetterRunScanner({ digits: 1, marks: false })],
  [markedRuns(String.raw`\p{N}{1,3}`), () => createLetterRunScanner({ digits: 3, marks: true })],
  [markedRuns(String.raw`\p{N}`), () => createLetterRunScanner({ digits: 1, marks: true })],
  [
    caseRuns(`${CONTRACTIONS}?`, String.raw`\p{N}{1,3}`),
    () => createCaseRunScanner({ digits: 3, contractions: true }),
  ],
  [caseRuns("", String.raw`\p{N}{1,3}`), () => createCaseRunScanner({ digits: 3, contractions: false })],
  [caseRuns("", String.raw`\p{N}`), () => createCaseRunScanner({ digits: 1, contractions: false })],
  [GPT2, () => createGpt2Scanner({ digits: false })],
  [GPT2_SHORT, () => createGpt2Scanner({ digits: false })],
  [DEEPSEEK.join("\n"), () => deepseekScanner],
]);

/**
 * The scanner that splits exactly as the components of a `pre_tokenizer` do, or undefined when there is none: then their
 * patterns are run. Only for those that end with a ByteLevel step.
 */
export function knownScanner(components: readonly JsonObject[]): WordScanner | undefined {
  const last = components.at(-1);
  if (last?.["type"] !== "ByteLevel" || last["add_prefix_space"] !== false) return undefined;
  const others = components.slice(0, -1);
  if (last["use_regex"] === false) {
    const patterns = others.map((component) => isolatedPattern(component));
    return patterns.includes(undefined) ? undefined : byPatterns.get(patterns.join("\n"))?.();
  }
  if (others.length === 0) return createGpt2Scanner({ digits: false });
  const isDigits = others.length === 1 && others[0]?.["type"] === "Digits";
  return isDigits && others[0]?.["individual_digits"] === true
    ? createGpt2Scanner({ digits: true })
    : undefined;
}

function isolatedPattern(component: JsonObject): string | undefined {
  if (component["type"] !== "Split" || component["behavior"] !== "Isolated" || component["invert"] === true) {
    return undefined;
  }
  const pattern = component["pattern"];
  const expression = isJsonObject(pattern) ? pattern["Regex"] : undefined;
  // Some files have the line ends themselves where others have escapes.
  return typeof expression === "string"
    ? expression.replaceAll("\r", "\\r").replaceAll("\n", "\\n")
    : undefined;
}
