import {
  isJsonObject,
  invalidMember,
  type JsonObject,
  listMember,
  objectMember,
  unsupportedComponent,
} from "./json-object.ts";
import type { SpecialFrame } from "./tokenizer.ts";
import { isTokenId } from "./vocabulary.ts";

/** Adds nothing. */
const emptyFrame: SpecialFrame = { before: [], after: [] };

/**
 * What the `post_processor` of `tokenizer.json` adds to a single text.
 *
 * @throws TextError `tokenizer_unsupported`, `tokenizer_invalid`
 */
export function compilePostProcessor(json: unknown): SpecialFrame {
  if (json === null || json === undefined) return emptyFrame;
  if (!isJsonObject(json)) throw invalidMember("post_processor", "an object");
  switch (json["type"]) {
    case "ByteLevel":
      return emptyFrame;
    case "TemplateProcessing":
      return readTemplate(json);
    case "BertProcessing":
    case "RobertaProcessing":
      return { before: [readPairId(json, "cls")], after: [readPairId(json, "sep")] };
    case "Sequence": {
      // A later processor puts its tokens around those of an earlier one.
      let frame = emptyFrame;
      for (const step of listMember(json, "processors")) {
        const { before, after } = compilePostProcessor(step);
        frame = { before: [...before, ...frame.before], after: [...frame.after, ...after] };
      }
      return frame;
    }
    default:
      throw unsupportedComponent("a post_processor", json["type"]);
  }
}

function readPairId(json: JsonObject, name: string): number {
  const [, id] = listMember(json, name);
  if (!isTokenId(id)) throw invalidMember(name, "a pair of token and id");
  return id;
}

function readTemplate(json: JsonObject): SpecialFrame {
  const specialTokens = objectMember(json, "special_tokens");
  const before: number[] = [];
  const after: number[] = [];
  let target = before;
  for (const piece of listMember(json, "single")) {
    if (!isJsonObject(piece)) throw invalidMember("single", "a list of template pieces");
    if (isJsonObject(piece["Sequence"])) {
      target = after;
    } else if (isJsonObject(piece["SpecialToken"])) {
      target.push(...readSpecialIds(specialTokens, piece["SpecialToken"]["id"]));
    } else {
      throw invalidMember("single", "a list of template pieces");
    }
  }
  return { before, after };
}

function readSpecialIds(specialTokens: JsonObject, name: unknown): readonly number[] {
  const entry = typeof name === "string" ? specialTokens[name] : undefined;
  const ids = isJsonObject(entry) ? entry["ids"] : undefined;
  if (!Array.isArray(ids) || !ids.every(isTokenId))
    throw invalidMember("special_tokens", "a table of token ids");
  return ids;
}
