import { bytesOfPiece } from "./byte-alphabet.ts";
import {
  flagMember,
  invalidMember,
  isJsonObject,
  type JsonObject,
  listMember,
  textMember,
  unsupportedComponent,
} from "./json-object.ts";
import { compilePattern } from "./text-pattern.ts";
import { joinBytes, lossyText, strictText } from "./utf8.ts";

/** How tokens become text. */
export interface TokenDecoder {
  /** Every token stands for bytes (in the byte alphabet) and the text is their concatenation. */
  readonly isByteLevel: boolean;
  /** The text of a list of tokens. */
  decode(tokens: readonly string[]): string;
  /**
   * For SentencePiece-like decoders: what a token adds to the text when another one stands before it; undefined for a token
   * that stands for one byte. Undefined for all other decoders.
   */
  readonly followingText: ((token: string) => string | undefined) | undefined;
}

type Step = (tokens: readonly string[]) => readonly string[];

/**
 * The `decoder` of `tokenizer.json`. Without one, tokens are joined by spaces.
 *
 * @throws TextError `tokenizer_unsupported`, `tokenizer_invalid`
 */
export function compileDecoder(json: unknown): TokenDecoder {
  if (json === null || json === undefined) {
    return { isByteLevel: false, decode: (tokens) => tokens.join(" "), followingText: undefined };
  }
  if (!isJsonObject(json)) throw invalidMember("decoder", "an object");
  const step = compileStep(json);
  return {
    isByteLevel: json["type"] === "ByteLevel",
    decode: (tokens) => step(tokens).join(""),
    followingText: compileFollowingText(json),
  };
}

/** Replace, ByteFallback, Fuse and perhaps a Strip of the beginning: then all but byte tokens are simply joined. */
function compileFollowingText(json: JsonObject): TokenDecoder["followingText"] {
  if (json["type"] !== "Sequence") return undefined;
  const [replace, fallback, fuse, strip, ...others] = listMember(json, "decoders").filter((step) =>
    isJsonObject(step),
  );
  const isPlain =
    replace?.["type"] === "Replace" && fallback?.["type"] === "ByteFallback" && fuse?.["type"] === "Fuse";
  const stripsStart =
    strip === undefined || (strip["type"] === "Strip" && strip["start"] === 1 && strip["stop"] === 0);
  if (!isPlain || !stripsStart || others.length > 0) return undefined;
  const pattern = compilePattern(replace["pattern"]);
  const content = textMember(replace, "content");
  return (token) => (byteToken.test(token) ? undefined : token.replace(pattern, () => content));
}

function compileStep(json: JsonObject): Step {
  switch (json["type"]) {
    case "Sequence": {
      const steps = listMember(json, "decoders").map((item) => {
        if (!isJsonObject(item)) throw invalidMember("decoders", "a list of objects");
        return compileStep(item);
      });
      return (tokens) => {
        let decoded = tokens;
        for (const step of steps) decoded = step(decoded);
        return decoded;
      };
    }
    case "ByteLevel":
      return (tokens) => [
        lossyText(joinBytes(tokens.map((token) => bytesOfPiece(token) ?? encoder.encode(token)))),
      ];
    case "Replace": {
      const pattern = compilePattern(json["pattern"]);
      const content = textMember(json, "content");
      return (tokens) => tokens.map((token) => token.replace(pattern, () => content));
    }
    case "ByteFallback":
      return decodeByteFallback;
    case "Fuse":
      return (tokens) => [tokens.join("")];
    case "Strip":
      return compileStrip(json);
    case "Metaspace":
      return compileMetaspace(json);
    case "WordPiece":
      return compileWordPiece(json);
    case "BPEDecoder": {
      const suffix = json["suffix"] === undefined ? "</w>" : textMember(json, "suffix");
      return (tokens) =>
        tokens.map((token, index) => token.replaceAll(suffix, index === tokens.length - 1 ? "" : " "));
    }
    default:
      throw unsupportedComponent("a decoder", json["type"]);
  }
}

const encoder = new TextEncoder();
const byteToken = /^<0x([0-9A-Fa-f]{2})>$/;

function decodeByteFallback(tokens: readonly string[]): readonly string[] {
  const decoded: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    decoded.push(strictText(Uint8Array.from(bytes)) ?? "\ufffd".repeat(bytes.length));
    bytes = [];
  };
  for (const token of tokens) {
    const byte = token.length === 6 ? byteToken.exec(token) : null;
    if (byte !== null) {
      bytes.push(Number.parseInt(byte[1] as string, 16));
    } else {
      flush();
      decoded.push(token);
    }
  }
  flush();
  return decoded;
}

function compileStrip(json: JsonObject): Step {
  const content = textMember(json, "content");
  const start = typeof json["start"] === "number" ? json["start"] : 0;
  const stop = typeof json["stop"] === "number" ? json["stop"] : 0;
  return (tokens) =>
    tokens.map((token) => {
      let from = 0;
      let to = token.length;
      for (let count = 0; count < start && token.startsWith(content, from); count++) from += content.length;
      for (
        let count = 0;
        count < stop && to - content.length >= from && token.endsWith(content, to);
        count++
      ) {
        to -= content.length;
      }
      return token.slice(from, to);
    });
}

function compileMetaspace(json: JsonObject): Step {
  const marker = json["replacement"] === undefined ? "▁" : textMember(json, "replacement");
  const keepsFirst = json["add_prefix_space"] === false || json["prepend_scheme"] === "never";
  return (tokens) =>
    tokens.map((token, index) => token.replaceAll(marker, index === 0 && !keepsFirst ? "" : " "));
}

function compileWordPiece(json: JsonObject): Step {
  const prefix = json["prefix"] === undefined ? "##" : textMember(json, "prefix");
  const cleansUp = flagMember(json, "cleanup", true);
  return (tokens) =>
    tokens.map((token, index) => {
      let decoded = token;
      if (index > 0) decoded = token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      return cleansUp ? cleanUpSpaces(decoded) : decoded;
    });
}

/** Takes back spaces that word-piece tokenizers put before punctuation and English contractions. */
export function cleanUpSpaces(text: string): string {
  return text
    .replaceAll(" .", ".")
    .replaceAll(" ?", "?")
    .replaceAll(" !", "!")
    .replaceAll(" ,", ",")
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" do not", " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
