import { createDecodeStream } from "../detokenize/decode-stream.ts";
import { addedTokenId, AddedVocabulary, normalizedContent, readAddedToken } from "./added-token.ts";
import { AddedTokenSplitter } from "./added-token-splitter.ts";
import { type ByteStretchEncoder, createByteStretchEncoder, isByteModel } from "./byte-stretch-encoder.ts";
import { createBpeEncoder } from "./bpe-encoder.ts";
import { type BpeTables, isBpeModel, readBpeModel } from "./bpe-model.ts";
import { type CutEncoding, lastCutWithin } from "./cut-encoding.ts";
import { cleanUpSpaces, compileDecoder, type TokenDecoder } from "./decoder.ts";
import { isJsonObject, type JsonObject, invalidMember, unsupportedComponent } from "./json-object.ts";
import { compileNormalizer } from "./normalizer.ts";
import { mayCompose, type Normalizer } from "./normalizer-steps.ts";
import { compilePostProcessor } from "./post-processor.ts";
import { compilePreTokenizer, type PreTokenizer } from "./pre-tokenizer.ts";
import {
  createPipeline,
  type EncodingPipeline,
  type EncodingStages,
  type StretchEncoder,
} from "./text-encoder-pipeline.ts";
import { readTokenizerJson } from "./tokenizer-json.ts";
import { StretchMemory } from "./stretch-memory.ts";
import { createPlainTextUnits } from "./text-units.ts";
import { TokenBuffer } from "./token-buffer.ts";
import { TokenTable } from "./token-table.ts";
import { applyTokenizerClass } from "./tokenizer-class.ts";
import { addConfiguredTokens, readTokenizerConfig, type TokenizerConfig } from "./tokenizer-config.ts";
import type { SpecialFrame, Tokenizer, TokenizerFiles, TokenizerOptions } from "./tokenizer.ts";
import { createUnigram } from "./unigram-encoder.ts";
import type { Vocabulary } from "./vocabulary.ts";
import { createWordLevel, createWordPiece, type WordModel } from "./word-piece-encoder.ts";
import { codePointLength } from "./utf8.ts";

/**
 * Builds a tokenizer from a model's files. Slow (some hundred milliseconds for a large vocabulary); one per model.
 *
 * @throws TextError `tokenizer_invalid` when the files are broken, `tokenizer_unsupported` when they ask for something
 *   that cannot be done exactly
 */
export function createTokenizer(files: TokenizerFiles, options: TokenizerOptions = {}): Tokenizer {
  const config = readTokenizerConfig(files);
  const read = readTokenizerJson(files.tokenizerJson);
  const json = applyTokenizerClass(read.json, config);
  const model = json["model"];
  if (!isJsonObject(model)) throw invalidMember("model", "an object");
  const preTokenizer = compilePreTokenizer(json["pre_tokenizer"]);
  const memory = new StretchMemory(options.createTextUnits ?? createPlainTextUnits);
  return createOwn({ json, config, preTokenizer, memory, ...createModel(model, preTokenizer, read.tables) });
}

interface StretchModel extends Partial<Pick<ByteStretchEncoder, "encodeUnits">> {
  readonly vocabulary: Vocabulary;
  readonly encodeStretch: StretchEncoder;
}

function createModel(model: JsonObject, preTokenizer: PreTokenizer, tables?: BpeTables): StretchModel {
  if (!isBpeModel(model)) return wordByWord(createWordModel(model), preTokenizer);
  const bpe = readBpeModel(model, tables);
  const { vocabulary } = bpe;
  const { scanner, isByteLevel } = preTokenizer;
  if (scanner !== undefined && isByteModel(bpe)) {
    return { vocabulary, ...createByteStretchEncoder(bpe, scanner) };
  }
  return wordByWord({ vocabulary, encoder: createBpeEncoder(bpe, isByteLevel) }, preTokenizer);
}

function wordByWord({ vocabulary, encoder }: WordModel, preTokenizer: PreTokenizer): StretchModel {
  return {
    vocabulary,
    encodeStretch(stretch, isAtStart, output) {
      const words = preTokenizer.split(stretch, isAtStart);
      for (let index = 0; index < words.length; index++) encoder.encodeWord(words[index] as string, output);
    },
  };
}

function createWordModel(model: JsonObject): WordModel {
  switch (model["type"]) {
    case "Unigram":
      return createUnigram(model);
    case "WordPiece":
      return createWordPiece(model);
    case "WordLevel":
      return createWordLevel(model);
    default:
      throw unsupportedComponent("a model", model["type"]);
  }
}

interface OwnParts extends StretchModel {
  readonly json: JsonObject;
  readonly config: TokenizerConfig;
  readonly preTokenizer: PreTokenizer;
  readonly memory: StretchMemory;
}

function createOwn({ json, config, preTokenizer, memory, vocabulary, ...model }: OwnParts): Tokenizer {
  const normalizer = compileNormalizer(json["normalizer"]);
  const added = readAddedVocabulary(json, vocabulary, config);
  const normalizedSplitter = new AddedTokenSplitter(patterns(added, normalizer, true), added.byId);
  const refused = normalizedSplitter.isEmpty ? refusedCharacters(json["normalizer"], normalizer) : undefined;
  const { encodeStretch, encodeUnits } = model;
  const stages: EncodingStages = {
    rawSplitter: new AddedTokenSplitter(patterns(added, undefined, false), added.byId),
    normalizer,
    normalizedSplitter,
    encodeStretch,
    encodeUnits: encodeUnits && refused && ((units, output) => encodeUnits(units, refused, output)),
  };
  const pipeline = createPipeline(stages, memory);
  const frame = compilePostProcessor(json["post_processor"]);
  return assemble({
    config,
    added,
    vocabulary,
    decoder: compileDecoder(json["decoder"]),
    table: createTokenTable({ added, vocabulary, normalizer }),
    spaceMarker: preTokenizer.spaceMarker,
    frame,
    // transformers leaves BPE alone, for which this would be destructive.
    cleansUp: config.cleansUpSpaces && !isBpeModel(json["model"]),
    ...createEncoding(pipeline, frame),
  });
}

/** Which characters a normalizer may change, or others because of them; undefined when it may change any. */
function refusedCharacters(
  json: unknown,
  normalizer: Normalizer | undefined,
): ((code: number) => boolean) | undefined {
  if (normalizer === undefined) return () => false;
  return isJsonObject(json) && json["type"] === "NFC" ? mayCompose : undefined;
}

interface Parts extends Encoding {
  readonly config: TokenizerConfig;
  readonly added: AddedVocabulary;
  readonly vocabulary: Vocabulary;
  readonly decoder: TokenDecoder;
  readonly table: TokenTable;
  readonly spaceMarker: string | undefined;
  readonly frame: SpecialFrame;
  readonly cleansUp: boolean;
}

type Encoding = Pick<Tokenizer, "encode" | "encodeWithCuts" | "lastCut" | "draft" | "encodeStretches">;

/** What a pipeline does for the callers of a tokenizer: the special frame added. */
function createEncoding(pipeline: EncodingPipeline, frame: SpecialFrame): Encoding {
  const buffer = new TokenBuffer();
  const cutBuffer = new TokenBuffer();

  function framed(addSpecialTokens: boolean, fill: () => void): Int32Array {
    buffer.clear();
    if (addSpecialTokens) buffer.pushAll(frame.before);
    fill();
    if (addSpecialTokens) buffer.pushAll(frame.after);
    return buffer.take();
  }

  function withCuts(fill: () => void): CutEncoding {
    cutBuffer.clear();
    const tokenIds = framed(false, fill);
    return { tokenIds, cuts: cutBuffer.take() };
  }

  return {
    encode: (text, addSpecialTokens) => framed(addSpecialTokens, () => pipeline.encode(text, buffer)),
    encodeWithCuts: (text) => withCuts(() => pipeline.encode(text, buffer, cutBuffer)),
    lastCut: (encoding, sharedUnits) => lastCutWithin(encoding, sharedUnits - pipeline.certainUnits),
    draft(text, addSpecialTokens) {
      const draft = pipeline.draft(text);
      const { unknown } = draft;
      return {
        unknown,
        unknownUnits: unknown.reduce((units, stretch) => units + stretch.text.length, 0),
        complete: (ids) => framed(addSpecialTokens, () => draft.complete(ids, buffer)),
        completeWithCuts: (ids) => withCuts(() => draft.complete(ids, buffer, cutBuffer)),
      };
    },
    encodeStretches: (stretches) =>
      stretches.map((stretch) => framed(false, () => pipeline.encodeStretch(stretch, buffer))),
  };
}

function assemble({
  config,
  added,
  vocabulary,
  decoder,
  table,
  spaceMarker,
  frame,
  cleansUp,
  ...encoding
}: Parts): Tokenizer {
  const endOfSequence = config.specialTokens.get("eos_token");
  const decodeIds = decoder.isByteLevel
    ? (ids: ArrayLike<number>, skips: boolean): string => table.decodeBytes(ids, skips)
    : (ids: ArrayLike<number>, skips: boolean): string => decoder.decode(table.decodableTokens(ids, skips));
  const tokenizer: Tokenizer = {
    vocabularySize: sizeOf(added, vocabulary),
    highestTokenId: highestOf(added, vocabulary),
    maxTokenCharacters: longestOf(added, vocabulary),
    specialTokens: config.specialTokens,
    allSpecialTokens: config.allSpecialTokens,
    endOfSequenceTokenId: endOfSequence === undefined ? undefined : added.idOf(endOfSequence),
    leadingSpaceMarker: spaceMarker,
    specialFrame: frame,
    ...encoding,
    decode(tokenIds, options) {
      const text = decodeIds(tokenIds, options.skipSpecialTokens);
      return cleansUp ? cleanUpSpaces(text) : text;
    },
    tokenText: (tokenId) => tokenizer.decode([tokenId], { skipSpecialTokens: false }),
    tokenPiece: (tokenId) => added.byId.get(tokenId)?.content ?? table.piece(tokenId),
    piecesText: (pieces) => decoder.decode(pieces),
    tokenId: (piece) => added.idOf(piece),
    isSpecial: (tokenId) => table.isSpecial(tokenId),
    addedTokenText: (tokenId) => added.byId.get(tokenId)?.content,
    decodeStream: (options) => createDecodeStream({ ...options, table, decoder, decode: decodeIds }),
  };
  return tokenizer;
}

function readAddedVocabulary(
  json: JsonObject,
  vocabulary: Vocabulary,
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
  readonly vocabulary: Vocabulary;
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

function sizeOf(added: AddedVocabulary, vocabulary: Vocabulary): number {
  let size = vocabulary.size;
  for (const token of added.byId.values()) if (!vocabulary.has(token.content)) size++;
  return size;
}

function highestOf(added: AddedVocabulary, vocabulary: Vocabulary): number {
  let highest = vocabulary.idLimit - 1;
  for (const id of added.byId.keys()) if (id > highest) highest = id;
  return highest;
}

function longestOf(added: AddedVocabulary, vocabulary: Vocabulary): number {
  let { longest } = vocabulary;
  for (const token of added.byId.values()) longest = Math.max(longest, codePointLength(token.content));
  return longest;
}
