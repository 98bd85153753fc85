import { type AddedToken, type AddedVocabulary, readAddedToken, specialToken } from "./added-token.ts";
import { isJsonObject, type JsonObject, parseJsonObject } from "./json-object.ts";
import type { TokenizerFiles } from "./tokenizer.ts";

/** What the files beside `tokenizer.json` say. */
export interface TokenizerConfig {
  /** Named special tokens (`bos_token` …) with their text, in the order of the file. */
  readonly specialTokens: ReadonlyMap<string, string>;
  /** Named special tokens and those of the list of further ones, each once. */
  readonly allSpecialTokens: readonly string[];
  /** Tokens to add beyond `tokenizer.json`, or whose properties differ there; in the order they are added. */
  readonly addedTokens: readonly (readonly [number | undefined, AddedToken])[];
  /** `clean_up_tokenization_spaces`. */
  readonly cleansUpSpaces: boolean;
  /** `tokenizer_class`, without the suffix `Fast`. */
  readonly tokenizerClass: string | undefined;
  /** `model_type` of `config.json`. */
  readonly modelType: string | undefined;
  /** `add_prefix_space`, undefined when not given. */
  readonly addsPrefixSpace: boolean | undefined;
  /** `legacy`. */
  readonly isLegacy: boolean;
}

const specialTokenNames = [
  "bos_token",
  "eos_token",
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
] as const;

/**
 * Reads `tokenizer_config.json` and `special_tokens_map.json` as transformers 5 does.
 *
 * @throws TextError `tokenizer_invalid`
 */
export function readTokenizerConfig(files: TokenizerFiles): TokenizerConfig {
  const config = mergedConfig(files);
  const named = readNamedTokens(config);
  const extra = readExtraTokens(config);
  const { tokenizer_class: tokenizerClass, add_prefix_space: addsPrefixSpace } = config;
  const modelType =
    files.modelConfig === undefined
      ? undefined
      : parseJsonObject(files.modelConfig, "config.json")["model_type"];
  return {
    specialTokens: new Map(Array.from(named, ([name, token]) => [name, token.content])),
    allSpecialTokens: [...new Set([...named.values(), ...extra].map((token) => token.content))],
    addedTokens: [
      ...readAddedTokens(config["added_tokens_decoder"]),
      ...Array.from(named.values(), (token) => [undefined, token] as const),
      ...extra.map((token) => [undefined, token] as const),
    ],
    cleansUpSpaces: config["clean_up_tokenization_spaces"] === true,
    tokenizerClass: typeof tokenizerClass === "string" ? tokenizerClass.replace(/Fast$/, "") : undefined,
    modelType: typeof modelType === "string" ? modelType : undefined,
    addsPrefixSpace: typeof addsPrefixSpace === "boolean" ? addsPrefixSpace : undefined,
    isLegacy: config["legacy"] === true,
  };
}

/** `special_tokens_map.json` counts where `tokenizer_config.json` does not list the added tokens, and then before it. */
function mergedConfig(files: TokenizerFiles): JsonObject {
  const config =
    files.tokenizerConfig === undefined
      ? {}
      : parseJsonObject(files.tokenizerConfig, "tokenizer_config.json");
  if (files.specialTokensMap === undefined || "added_tokens_decoder" in config) return config;
  return { ...config, ...parseJsonObject(files.specialTokensMap, "special_tokens_map.json") };
}

/** Adds what the configuration names to the added tokens of `tokenizer.json`; its properties of a token win. */
export function addConfiguredTokens(config: TokenizerConfig, added: AddedVocabulary): void {
  for (const [id, token] of config.addedTokens) {
    const known = added.has(token.content) ? added.byId.get(added.idOf(token.content) as number) : undefined;
    if (id !== undefined || known === undefined) added.add(token);
    // A named special token is special even where tokenizer.json forgot to say so.
    else if (!known.isSpecial) added.add({ ...known, isSpecial: true });
  }
}

function readNamedTokens(config: JsonObject): ReadonlyMap<string, AddedToken> {
  const named = new Map<string, AddedToken>();
  const extra = isJsonObject(config["extra_special_tokens"]) ? config["extra_special_tokens"] : {};
  // Besides the standard names every text member that ends in _token is one (boi_token, image_token …).
  const own = Object.keys(config).filter(
    (name) => name.endsWith("_token") && typeof config[name] === "string",
  );
  for (const name of new Set<string>([...specialTokenNames, ...own, ...Object.keys(extra)])) {
    const token = readToken(extra[name] ?? config[name]);
    if (token !== undefined) named.set(name, token);
  }
  return named;
}

function readToken(value: unknown): AddedToken | undefined {
  if (typeof value === "string") return value === "" ? undefined : specialToken(value);
  if (!isJsonObject(value) || typeof value["content"] !== "string" || value["content"] === "")
    return undefined;
  return { ...readAddedToken(value), isNormalized: false, isSpecial: true };
}

function readAddedTokens(value: unknown): (readonly [number, AddedToken])[] {
  if (!isJsonObject(value)) return [];
  return Object.entries(value)
    .map(([id, token]) => [Number(id), readAddedToken(token)] as const)
    .sort(([left], [right]) => left - right);
}

function readExtraTokens(config: JsonObject): AddedToken[] {
  const lists = [config["extra_special_tokens"], config["additional_special_tokens"]];
  return lists
    .flatMap((list): unknown[] => (Array.isArray(list) ? list : []))
    .map((item) => readToken(item))
    .filter((token) => token !== undefined);
}
