import { createDecodeStream } from "../detokenize/decode-stream.ts";
import { addedTokenId, AddedVocabulary, normalizedContent, readAddedToken } from "./added-token.ts";
import { AddedTokenSplitter } from "./added-token-splitter.ts";
import { createBpeEncoder } from "./bpe-encoder.ts";
import { isBpeModel, readBpeModel } from "./bpe-model.ts";
import { cleanUpSpaces, compileDecoder, type TokenDecoder } from "./decoder.ts";
import { isJsonObject, type JsonObject, invalidMember, parseJsonObject } from "./json-object.ts";
import { createLibraryEncoder, readOtherVocabulary } from "./library-encoder.ts";
import { compileNormalizer, type Normalizer } from "./normalizer.ts";
import { compilePostProcessor } from "./post-processor.ts";
import { compilePreTokenizer, findSpaceMarker } from "./pre-tokenizer.ts";
import { createPipeline } from "./text-encoder-pipeline.ts";
import { TokenBuffer } from "./token-buffer.ts";
import { TokenTable } from "./token-table.ts";
import { applyTokenizerClass } from "./tokenizer-class.ts";
import { addConfiguredTokens, readTokenizerConfig, type TokenizerConfig } from "./tokenizer-config.ts";
import type { Tokenizer, TokenizerFiles } from "./tokenizer.ts";
import { codePointLength, wellFormed } from "./utf8.ts";

/**
 * Builds a tokenizer from a model's files. Slow (some hundred milliseconds for a large vocabulary); one per model.
 *
 * @throws TextError `tokenizer_invalid` when the files are broken, `tokenizer_unsupported` when they ask for something
 *   that cannot be done exactly
 */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const config = readTokenizerConfig(files);
  const json = applyTokenizerClass(parseJsonObject(files.tokenizerJson, "tokenizer.json"), config);
  return isBpeModel(json["model"]) ? createBpe(json, json["model"], config) : createOther(json, config);
}

function createBpe(json: JsonObject, modelJson: JsonObject, config: TokenizerConfig): Tokenizer {
  const model = readBpeModel(modelJson);
  const { vocabulary } = model;
  const normalizer = compileNormalizer(json["normalizer"]);
  const preTokenizer = compilePreTokenizer(json["pre_tokenizer"]);
  const added = readAddedVocabulary(json, vocabulary, config);
  const words = createBpeEncoder(model, preTokenizer.isByteLevel);
  const pipeline = createPipeline({
    rawSplitter: new AddedTokenSplitter(patterns(added, undefined, false), added.byId),
    normalizer,
    normalizedSplitter: new AddedTokenSplitter(patterns(added, normalizer, true), added.byId),
    preTokenizer,
    encodeWord: (word, output) => words.encodeWord(word, output),
  });
  const frame = compilePostProcessor(json["post_processor"]);
  const buffer = new TokenBuffer();
  return assemble({
    config,
    added,
    vocabulary,
    decoder: compileDecoder(json["decoder"]),
    table: createTokenTable({ added, vocabulary, normalizer }),
    spaceMarker: preTokenizer.spaceMarker,
    cleansUp: false,
    encode(text, addSpecialTokens) {
      buffer.clear();
      if (addSpecialTokens) buffer.pushAll(frame.before);
      pipeline(text, buffer);
      if (addSpecialTokens) buffer.pushAll(frame.after);
      return buffer.take();
    },
  });
}

function createOther(json: JsonObject, config: TokenizerConfig): Tokenizer {
  const vocabulary = readOtherVocabulary(json["model"]);
  const added = readAddedVocabulary(json, vocabulary, config);
  const encode = createLibraryEncoder(json, config.json);
  return assemble({
    config,
    added,
    vocabulary,
    decoder: compileDecoder(json["decoder"]),
    table: createTokenTable({ added, vocabulary, normalizer: undefined }),
    spaceMarker: findSpaceMarker(json["pre_tokenizer"]),
    // transformers leaves BPE alone, for which this would be destructive.
    cleansUp: config.cleansUpSpaces,
    encode: (text, addSpecialTokens) => Int32Array.from(encode(text, addSpecialTokens)),
  });
}

interface Parts {
  readonly config: TokenizerConfig;
  readonly added: AddedVocabulary;
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly decoder: TokenDecoder;
  readonly table: TokenTable;
  readonly spaceMarker: string | undefined;
  readonly cleansUp: boolean;
  readonly encode: (text: string, addSpecialTokens: boolean) => Int32Array;
}

function assemble({
  config,
  added,
  vocabulary,
  decoder,
  table,
  spaceMarker,
  cleansUp,
  encode,
}: Parts): Tokenizer {
  const endOfSequence = config.specialTokens.get("eos_token");
  const decodeIds = decoder.isByteLevel
    ? (ids: ArrayLike<number>, skips: boolean): string => table.decodeBytes(ids, skips)
    : (ids: ArrayLike<number>, skips: boolean): string => decoder.decode(table.decodableTokens(ids, skips));
  const tokenizer: Tokenizer = {
    vocabularySize: sizeOf(added, vocabulary),
    maxTokenCharacters: longestOf(added, vocabulary),
    specialTokens: config.specialTokens,
    endOfSequenceTokenId: endOfSequence === undefined ? undefined : added.idOf(endOfSequence),
    leadingSpaceMarker: spaceMarker,
    encode: (text, addSpecialTokens) => encode(wellFormed(text), addSpecialTokens),
    decode(tokenIds, options) {
      const text = decodeIds(tokenIds, options.skipSpecialTokens);
      return cleansUp ? cleanUpSpaces(text) : text;
    },
    tokenText: (tokenId) => tokenizer.decode([tokenId], { skipSpecialTokens: false }),
    tokenPiece: (tokenId) => added.byId.get(tokenId)?.content ?? table.piece(tokenId),
    tokenId: (piece) => added.idOf(piece),
    isSpecial: (tokenId) => table.isSpecial(tokenId),
    addedTokenText: (tokenId) => added.byId.get(tokenId)?.content,
    decodeStream: (options) => createDecodeStream({ ...options, table, decoder, decode: decodeIds }),
  };
  return tokenizer;
}

function readAddedVocabulary(
  json: JsonObject,
  vocabulary: ReadonlyMap<string, number>,
  config: TokenizerConfig,
): AddedVocabulary {
  const added = new AddedVocabulary(vocabulary);
  const list = json["added_tokens"] ?? [];
  if (!Array.isArray(list)) throw invalidMember("added_tokens", "an array");
  for (const entry of list) {
    if (!isJsonObject(entry)) throw invalidMember("added_tokens", "a list of objects");
    added.add(readAddedToken(entry), addedTokenId(entry));
  }
  addConfiguredTokens(config, added);
  return added;
}

function* patterns(
  added: AddedVocabulary,
  normalizer: Normalizer | undefined,
  normalized: boolean,
): Generator<readonly [string, number]> {
  for (const [id, token] of added.byId) {
    if (token.isNormalized === normalized) yield [normalizedContent(token, normalizer), id];
  }
}

interface TableParts {
  readonly added: AddedVocabulary;
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly normalizer: Normalizer | undefined;
}

function createTokenTable({ added, vocabulary, normalizer }: TableParts): TokenTable {
  const pieces = new Map<number, string>();
  const specialTexts = new Set<string>();
  for (const [id, token] of added.byId) {
    pieces.set(id, normalizedContent(token, normalizer));
    if (token.isSpecial) specialTexts.add(token.content);
  }
  return new TokenTable(vocabulary, { pieces, specialTexts });
}

function sizeOf(added: AddedVocabulary, vocabulary: ReadonlyMap<string, number>): number {
  let size = vocabulary.size;
  for (const token of added.byId.values()) if (!vocabulary.has(token.content)) size++;
  return size;
}

function longestOf(added: AddedVocabulary, vocabulary: ReadonlyMap<string, number>): number {
  let longest = 0;
  for (const piece of vocabulary.keys()) {
    if (piece.length > longest) longest = Math.max(longest, codePointLength(piece));
  }
  for (const token of added.byId.values()) longest = Math.max(longest, codePointLength(token.content));
  return longest;
}
