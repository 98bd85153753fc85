import { type AddedToken, type AddedVocabulary, readAddedToken, specialToken } from "./added-token.ts";
import { isJsonObject, type JsonObject, parseJsonObject } from "./json-object.ts";
import type { TokenizerFiles } from "./tokenizer.ts";

/** What the files beside `tokenizer.json` say. */
export interface TokenizerConfig {
  /** Named special tokens (`bos_token` …) with their text, in the order of the file. */
  readonly specialTokens: ReadonlyMap<string, string>;
  /** Tokens to add beyond `tokenizer.json`, or whose properties differ there; in the order they are added. */
  readonly addedTokens: readonly (readonly [number | undefined, AddedToken])[];
  /** Whether ids of the beginning and end token frame a text; undefined when the file leaves it to `tokenizer.json`. */
  readonly framing: { readonly beginning: boolean; readonly end: boolean } | undefined;
  /** `clean_up_tokenization_spaces`. */
  readonly cleansUpSpaces: boolean;
  /** `tokenizer_class`, without the suffix `Fast`. */
  readonly tokenizerClass: string | undefined;
  /** `add_prefix_space`. */
  readonly addsPrefixSpace: boolean;
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
  const config =
    files.tokenizerConfig === undefined
      ? {}
      : parseJsonObject(files.tokenizerConfig, "tokenizer_config.json");
  const map =
    files.specialTokensMap === undefined
      ? {}
      : parseJsonObject(files.specialTokensMap, "special_tokens_map.json");
  const named = readNamedTokens(config, map);
  const framed = "add_bos_token" in config || "add_eos_token" in config;
  const tokenizerClass = config["tokenizer_class"];
  return {
    specialTokens: new Map(Array.from(named, ([name, token]) => [name, token.content])),
    addedTokens: [
      ...readAddedTokens(config["added_tokens_decoder"]),
      ...Array.from(named.values(), (token) => [undefined, token] as const),
      ...readExtraTokens(config, map).map((token) => [undefined, token] as const),
    ],
    framing: framed
      ? { beginning: config["add_bos_token"] === true, end: config["add_eos_token"] === true }
      : undefined,
    cleansUpSpaces: config["clean_up_tokenization_spaces"] === true,
    tokenizerClass: typeof tokenizerClass === "string" ? tokenizerClass.replace(/Fast$/, "") : undefined,
    addsPrefixSpace: config["add_prefix_space"] === true,
  };
}

/** Adds what the configuration names to the added tokens of `tokenizer.json`. */
export function addConfiguredTokens(config: TokenizerConfig, added: AddedVocabulary): void {
  for (const [id, token] of config.addedTokens) {
    if (id !== undefined) {
      if (!added.has(token.content)) added.add(token);
    } else if (added.has(token.content)) {
      // A named special token is special even where tokenizer.json forgot to say so.
      const known = added.byId.get(added.idOf(token.content) as number) as AddedToken;
      if (!known.isSpecial) added.add({ ...known, isSpecial: true });
    } else {
      added.add(token);
    }
  }
}

function readNamedTokens(config: JsonObject, map: JsonObject): ReadonlyMap<string, AddedToken> {
  const named = new Map<string, AddedToken>();
  const extra = isJsonObject(config["extra_special_tokens"]) ? config["extra_special_tokens"] : {};
  const names = new Set<string>([
    ...specialTokenNames,
    ...Object.keys(extra).filter((name) => name.endsWith("_token")),
  ]);
  for (const name of names) {
    const token = readToken(config[name] ?? extra[name] ?? map[name]);
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

function readExtraTokens(config: JsonObject, map: JsonObject): AddedToken[] {
  const lists = [
    config["additional_special_tokens"],
    config["extra_special_tokens"],
    map["additional_special_tokens"],
  ];
  return lists
    .flatMap((list): unknown[] => (Array.isArray(list) ? list : []))
    .map((item) => readToken(item))
    .filter((token) => token !== undefined);
}
