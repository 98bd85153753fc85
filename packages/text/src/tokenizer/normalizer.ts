import { compileBertNormalizer } from "./bert-normalizer.ts";
import { toByteCharacters } from "./byte-alphabet.ts";
import {
  flagMember,
  isJsonObject,
  type JsonObject,
  invalidMember,
  listMember,
  textMember,
  unsupportedComponent,
} from "./json-object.ts";
import { lowercase, normalizeKnown, type Normalizer } from "./normalizer-steps.ts";
import { compilePrecompiled } from "./precompiled-normalizer.ts";
import { compilePattern } from "./text-pattern.ts";

/**
 * The `normalizer` of `tokenizer.json` as one function; undefined when it changes nothing.
 *
 * @throws TextError `tokenizer_unsupported` for kinds only tokenizers outside BPE use, `tokenizer_invalid`
 */
export function compileNormalizer(json: unknown): Normalizer | undefined {
  if (json === null || json === undefined) return undefined;
  if (!isJsonObject(json)) throw invalidMember("normalizer", "an object");
  if (json["type"] === "Sequence") {
    const steps = listMember(json, "normalizers")
      .map((step) => compileNormalizer(step))
      .filter((step) => step !== undefined);
    if (steps.length <= 1) return steps[0];
    return (text) => {
      let normalized = text;
      for (const step of steps) normalized = step(normalized);
      return normalized;
    };
  }
  return compileSingle(json);
}

function compileSingle(json: JsonObject): Normalizer {
  switch (json["type"]) {
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD": {
      const form = json["type"];
      return (text) => normalizeKnown(text, form);
    }
    case "BertNormalizer":
      return compileBertNormalizer(json);
    case "Precompiled":
      return compilePrecompiled(textMember(json, "precompiled_charsmap"));
    case "Lowercase":
      return lowercase;
    case "Prepend": {
      const prefix = textMember(json, "prepend");
      return (text) => (text === "" ? text : prefix + text);
    }
    case "Replace": {
      const content = textMember(json, "content");
      const pattern = compilePattern(json["pattern"]);
      return (text) => text.replace(pattern, () => content);
    }
    case "Strip":
      return compileStrip(flagMember(json, "strip_left"), flagMember(json, "strip_right"));
    case "ByteLevel":
      return toByteCharacters;
    default:
      throw unsupportedComponent("a normalizer", json["type"]);
  }
}

function compileStrip(left: boolean, right: boolean): Normalizer {
  return (text) => {
    const stripped = left ? text.replace(/^\p{White_Space}+/u, "") : text;
    return right ? stripped.replace(/\p{White_Space}+$/u, "") : stripped;
  };
}
