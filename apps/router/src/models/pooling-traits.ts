import type { Tokenizer } from "@vllm-router/text";
import type { WorkerFacts } from "../fleet/worker-connector.ts";
import { fileObject, type ModelFiles } from "./model-files.ts";

/** What the router must know of a model that pools. */
export interface PoolingTraits {
  /** Name of the model's class, as vLLM's refusals give it. */
  readonly architecture: string;
  readonly isMultimodal: boolean;
  /** Numbers in an embedding; undefined for a model that makes no embeddings. */
  readonly embeddingSize: number | undefined;
  /** Tasks vLLM names for it; with no embeddings, those its refusal names. */
  readonly tasks: readonly string[];
  /** Whether embeddings may be cut short. */
  readonly isMatryoshka: boolean;
  /** The lengths they may be cut to; undefined for all. */
  readonly matryoshkaDimensions: readonly number[] | undefined;
  /** The token prompts are filled up with; undefined when the tokenizer has none. */
  readonly padTokenId: number | undefined;
  /** Whether texts are put into lower case before they are tokenised. */
  readonly lowersCase: boolean;
  /** Prefixes by Cohere's `input_type`; undefined when the model has none. */
  readonly taskInstructions: ReadonlyMap<string, string> | undefined;
}

/** Tasks of a model that embeds: vLLM offers the numbers of every token beside the pooled ones. */
const EMBEDDING_TASKS = ["token_embed", "embed"] as const;

/** Reads the traits of a model that pools from its engine's words and its files; undefined for one that generates. */
export function readPoolingTraits(
  facts: WorkerFacts,
  parts: { readonly files: ModelFiles; readonly tokenizer: Tokenizer },
): PoolingTraits | undefined {
  const { pooling } = facts;
  if (pooling === undefined) {
    return undefined;
  }
  const { files, tokenizer } = parts;
  const config = fileObject(files, "config.json") ?? {};
  const matryoshka = numbersOf(config["matryoshka_dimensions"]);
  const padToken = tokenizer.specialTokens.get("pad_token");
  return {
    architecture: pooling.architecture,
    isMultimodal: pooling.isMultimodal,
    embeddingSize: pooling.embeddingSize,
    tasks: pooling.embeddingSize === undefined ? tasksIn(pooling.refusal) : EMBEDDING_TASKS,
    isMatryoshka: matryoshka !== undefined || config["is_matryoshka"] === true,
    matryoshkaDimensions: matryoshka,
    padTokenId: padToken === undefined ? undefined : tokenizer.tokenId(padToken),
    lowersCase: fileObject(files, "sentence_bert_config.json")?.["do_lower_case"] === true,
    taskInstructions:
      textsOf(config["task_instructions"]) ??
      textsOf(fileObject(files, "config_sentence_transformers.json")?.["prompts"]),
  };
}

/** `Unsupported task: 'embed' Supported tasks: ['classify']`. */
function tasksIn(refusal: string): readonly string[] {
  const list = /Supported tasks: [[(](.*?)[\])]/.exec(refusal)?.[1] ?? "";
  return [...list.matchAll(/'([^']+)'/g)].map((match) => match[1] ?? "");
}

function numbersOf(value: unknown): readonly number[] | undefined {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "number")
    ? value
    : undefined;
}

function textsOf(value: unknown): ReadonlyMap<string, string> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return undefined;
  }
  const texts = Object.entries(value).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return texts.length === 0 ? undefined : new Map(texts);
}
