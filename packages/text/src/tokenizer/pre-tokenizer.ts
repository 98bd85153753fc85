import { toByteCharacters } from "./byte-alphabet.ts";
import {
  flagMember,
  invalidMember,
  isJsonObject,
  type JsonObject,
  listMember,
  textMember,
  unsupportedComponent,
} from "./json-object.ts";
import { literalPattern, translatePattern } from "./pattern-translation.ts";
import { knownScanner } from "./scan/known-scanner.ts";
import type { WordScanner } from "./scan/word-scanner.ts";
import { type SplitBehavior, splitText } from "./split.ts";
import { compilePattern } from "./text-pattern.ts";
import { formerPunctuation, newestNumbers, unknownToPunctuation } from "./unicode-differences.ts";

/** Splits a text into the words that are encoded one by one. */
export interface PreTokenizer {
  /**
   * The words of a text, empty ones left out.
   *
   * @param isAtStart Whether the text stands at the beginning of what is encoded (nothing was cut off before it).
   */
  split(text: string, isAtStart: boolean): readonly string[];
  /** Whether the model's symbols are the bytes of the words, because the last step is ByteLevel. */
  readonly isByteLevel: boolean;
  /** Gives the same words as `split` from UTF-8, when the patterns are known ones. */
  readonly scanner: WordScanner | undefined;
  /** The character a Metaspace step writes for a space, or undefined. */
  readonly spaceMarker: string | undefined;
}

type Step = (text: string, isAtStart: boolean) => readonly string[];

/** Unicode punctuation and the ASCII symbols. */
const punctuation = `[[[\\p{P}[\\p{S}&&\\p{ASCII}]]--[${unknownToPunctuation}]]${formerPunctuation}]`;

/** GPT-2's word pattern, used by ByteLevel unless `use_regex` is off. */
const gpt2Pattern = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

/**
 * The `pre_tokenizer` of `tokenizer.json`.
 *
 * @throws TextError `tokenizer_unsupported`, `tokenizer_invalid`
 */
export function compilePreTokenizer(json: unknown): PreTokenizer {
  const components = flatten(json);
  const last = components.at(-1);
  const isByteLevel = last?.["type"] === "ByteLevel";
  const steps: Step[] = components.flatMap((component) => compileStep(component, component === last));
  const metaspace = components.find((component) => component["type"] === "Metaspace");
  return {
    isByteLevel,
    scanner: knownScanner(components),
    spaceMarker: metaspace === undefined ? undefined : replacementOf(metaspace),
    split: combine(steps),
  };
}

function flatten(json: unknown): JsonObject[] {
  if (json === null || json === undefined) return [];
  if (!isJsonObject(json)) throw invalidMember("pre_tokenizer", "an object");
  if (json["type"] === "Sequence") return listMember(json, "pretokenizers").flatMap((item) => flatten(item));
  return [json];
}

function combine(steps: readonly Step[]): PreTokenizer["split"] {
  const [first, ...others] = steps;
  if (first === undefined) return (text) => (text === "" ? [] : [text]);
  if (others.length === 0) return first;
  return (text, isAtStart) => {
    let pieces = first(text, isAtStart);
    for (const step of others) {
      const next: string[] = [];
      for (let index = 0; index < pieces.length; index++) {
        for (const piece of step(pieces[index] as string, isAtStart && index === 0)) next.push(piece);
      }
      pieces = next;
    }
    return pieces;
  };
}

/** The steps of one component; none for a last ByteLevel that only spells bytes, which the model does itself. */
function compileStep(json: JsonObject, isLast: boolean): Step[] {
  switch (json["type"]) {
    case "Split": {
      const rule = { behavior: behaviorOf(json["behavior"]), invert: flagMember(json, "invert") };
      return [splitStep(compilePattern(json["pattern"]), rule)];
    }
    case "Digits": {
      const behavior = flagMember(json, "individual_digits") ? "Isolated" : "Contiguous";
      return [splitStep(new RegExp(`[\\p{N}${newestNumbers}]`, "gv"), { behavior, invert: false })];
    }
    case "Punctuation": {
      const behavior = json["behavior"] === undefined ? "Isolated" : behaviorOf(json["behavior"]);
      return [splitStep(new RegExp(punctuation, "gv"), { behavior, invert: false })];
    }
    case "Whitespace":
      return [splitStep(translatePattern(String.raw`\w+|[^\w\s]+`), { behavior: "Removed", invert: true })];
    case "WhitespaceSplit":
      return [splitStep(/\p{White_Space}/gu, { behavior: "Removed", invert: false })];
    case "BertPreTokenizer":
      return [
        splitStep(/\p{White_Space}/gu, { behavior: "Removed", invert: false }),
        splitStep(new RegExp(punctuation, "gv"), { behavior: "Isolated", invert: false }),
      ];
    case "ByteLevel":
      return compileByteLevel(json, isLast);
    case "Metaspace":
      return [compileMetaspace(json)];
    default:
      throw unsupportedComponent("a pre_tokenizer", json["type"]);
  }
}

function splitStep(pattern: RegExp, rule: { behavior: SplitBehavior; invert: boolean }): Step {
  return (text) => splitText(text, pattern, rule);
}

function behaviorOf(value: unknown): SplitBehavior {
  switch (value) {
    case "Removed":
    case "Isolated":
    case "MergedWithPrevious":
    case "MergedWithNext":
    case "Contiguous":
      return value;
    default:
      throw invalidMember("behavior", "a known split behavior");
  }
}

function compileByteLevel(json: JsonObject, isLast: boolean): Step[] {
  const steps: Step[] = [];
  if (flagMember(json, "add_prefix_space", true))
    steps.push((text) => [text.startsWith(" ") ? text : ` ${text}`]);
  if (flagMember(json, "use_regex", true)) {
    steps.push(splitStep(translatePattern(gpt2Pattern), { behavior: "Isolated", invert: false }));
  }
  if (!isLast) steps.push((text) => [toByteCharacters(text)]);
  return steps;
}

function replacementOf(json: JsonObject): string {
  return json["replacement"] === undefined ? "▁" : textMember(json, "replacement");
}

function compileMetaspace(json: JsonObject): Step {
  const marker = replacementOf(json);
  const scheme = json["add_prefix_space"] === false ? "never" : (json["prepend_scheme"] ?? "always");
  const pattern = literalPattern(marker);
  const splits = flagMember(json, "split", true);
  return (text, isAtStart) => {
    let spelled = text.replaceAll(" ", marker);
    const prepends = scheme === "always" || (scheme === "first" && isAtStart);
    if (prepends && !spelled.startsWith(marker)) spelled = marker + spelled;
    return splits ? splitText(spelled, pattern, { behavior: "MergedWithNext", invert: false }) : [spelled];
  };
}
