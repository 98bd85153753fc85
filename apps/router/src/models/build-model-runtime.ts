import type { Tokenizer } from "@vllm-router/text";
import type { WorkerFacts } from "../fleet/worker-connector.ts";
import { RouterError } from "../router-error.ts";
import { buildTokenizer, tokenizerFilesOf } from "./build-tokenizer.ts";
import { compileChatTemplates, readTemplateFlag, type ChatTemplates } from "./chat-templates.ts";
import { readGenerationDefaults } from "./generation-defaults.ts";
import type { HubOptions } from "./hub-files.ts";
import { fileObject, fileText, modelFilesHash, type ModelFiles } from "./model-files.ts";
import { NO_PARSERS, selectParsers, type ModelParsers, type ParserFlags } from "./model-parsers.ts";
import type { ModelRuntime } from "./model-runtime.ts";
import { readPoolingTraits } from "./pooling-traits.ts";
import { readModelFiles, resolveModelFiles } from "./resolve-model-files.ts";
import { systemFingerprint, type FingerprintMode } from "./system-fingerprint.ts";

/** Flags that shape a model. */
export interface ModelBuilderOptions {
  /** `--served-model-name`; empty for the engine's own names. */
  readonly servedModelNames: readonly string[];
  /** `--model-path`: directory or hub name. */
  readonly modelPath: string | undefined;
  /** `--tokenizer-path`: directory, tokenizer.json or hub name. */
  readonly tokenizerPath: string | undefined;
  /** `--chat-template`: file, or the template itself. */
  readonly chatTemplate: string | undefined;
  /** `--generation-config`: `auto`, `vllm` or a directory. */
  readonly generationConfig: string;
  /** `--override-generation-config`. */
  readonly overrideGenerationConfig: Readonly<Record<string, unknown>>;
  readonly fingerprintMode: FingerprintMode;
  readonly fingerprintValue: string | undefined;
  /** `--system-start-date`; see {@link ModelRuntime.systemStartDate}. */
  readonly systemStartDate?: string | undefined;
  readonly hub: HubOptions;
  /** By default nothing is parsed. */
  readonly parsers?: ParserFlags;
  /** Whether models keep the files of their tokenizers for other threads, up to tens of megabytes each. Default false. */
  readonly keepsTokenizerFiles?: boolean;
}

/** The parts that are dear to make and depend on files alone. */
interface TextParts {
  readonly tokenizer: Tokenizer;
  /** What the tokenizer was built from. */
  readonly tokenizerFiles: ModelFiles | undefined;
  readonly templates: ChatTemplates;
}

/** Tokenizers kept for the next worker of the same model; each takes tens of megabytes. */
const PARTS_LIMIT = 8;

/** Makes what the router must know of a model, from what an engine says, its files, and the flags. */
export class ModelBuilder {
  readonly #options: ModelBuilderOptions;
  readonly #parts = new Map<string, Promise<TextParts>>();
  #builds = 0;

  constructor(options: ModelBuilderOptions) {
    this.#options = options;
  }

  /** How many tokenizers have been built; for tests of sharing. */
  get builds(): number {
    return this.#builds;
  }

  /**
   * Builds the runtime of a worker's model. Workers with the same files share tokenizer and templates, also when they
   * register at the same time.
   * @throws RouterError `model_files` saying what is missing or broken
   */
  async build(facts: WorkerFacts): Promise<ModelRuntime> {
    const options = this.#options;
    const files = await resolveModelFiles(facts, options);
    const contentHash = modelFilesHash(files);
    const { tokenizer, tokenizerFiles, templates } = await this.#partsOf(files, contentHash);
    const defaults = readGenerationDefaults(files, {
      source: options.generationConfig,
      directoryFiles: await this.#generationFiles(),
      overrides: options.overrideGenerationConfig,
      engine: facts,
    });
    const { endOfSequenceTokenId } = tokenizer;
    return {
      servedNames: servedNames(options.servedModelNames, facts),
      root: facts.root,
      maxModelLength: maxModelLength(facts, files),
      vocabularySize: vocabularySize(facts, files) ?? tokenizer.vocabularySize,
      tokenizer,
      tokenizerFiles,
      chatTemplate: templates.plain,
      toolTemplate: templates.withTools,
      parsers: this.#parsersOf({ tokenizer, templates }, { name: facts.root, modelType: modelType(files) }),
      systemStartDate: options.systemStartDate,
      constraintsAwait: facts.constraintsAwait,
      defaults,
      architecture: architectureOf(files),
      pooling: readPoolingTraits(facts, { files, tokenizer }),
      endOfSequenceTokenId,
      extraEndTokenIds: defaults.endTokenIds.filter((id) => id !== endOfSequenceTokenId),
      tokenizerConfig: fileText(files, "tokenizer_config.json"),
      contentHash,
      engineVersion: facts.engineVersion,
      systemFingerprint: systemFingerprint(options.fingerprintMode, options.fingerprintValue, {
        engineVersion: facts.engineVersion,
        dataParallelSize: facts.ranks,
        contentHash,
      }),
    };
  }

  #parsersOf(
    parts: Omit<TextParts, "tokenizerFiles">,
    model: { readonly name: string; readonly modelType: string },
  ): ModelParsers {
    const { parsers } = this.#options;
    const { tokenizer, templates } = parts;
    const template = (templates.withTools ?? templates.plain)?.source ?? "";
    return parsers === undefined
      ? NO_PARSERS
      : selectParsers(parsers, { tokenizer, clues: { ...model, template } });
  }

  #partsOf(files: ModelFiles, contentHash: string): Promise<TextParts> {
    const known = this.#parts.get(contentHash);
    if (known !== undefined) {
      return known;
    }
    const building = this.#buildParts(files);
    for (const oldest of [...this.#parts.keys()].slice(0, this.#parts.size - PARTS_LIMIT + 1)) {
      this.#parts.delete(oldest);
    }
    this.#parts.set(contentHash, building);
    building.catch(() => {
      if (this.#parts.get(contentHash) === building) {
        this.#parts.delete(contentHash);
      }
    });
    return building;
  }

  async #buildParts(files: ModelFiles): Promise<TextParts> {
    const { chatTemplate } = this.#options;
    const requested = chatTemplate === undefined ? undefined : await readTemplateFlag(chatTemplate);
    this.#builds += 1;
    return {
      tokenizer: buildTokenizer(files),
      tokenizerFiles: this.#options.keepsTokenizerFiles === true ? tokenizerFilesOf(files) : undefined,
      templates: compileChatTemplates(files, requested),
    };
  }

  async #generationFiles(): Promise<ModelFiles | undefined> {
    const { generationConfig, hub } = this.#options;
    return generationConfig === "auto" || generationConfig === "vllm"
      ? undefined
      : readModelFiles(generationConfig, hub);
  }
}

function servedNames(flag: readonly string[], facts: WorkerFacts): readonly string[] {
  if (flag.length > 0) {
    return flag;
  }
  return facts.modelNames.length > 0 ? facts.modelNames : [facts.root];
}

/** The engine's word, else config.json's: a model may know more ids than its tokenizer. */
function vocabularySize(facts: WorkerFacts, files: ModelFiles): number | undefined {
  if (facts.vocabularySize > 0) {
    return facts.vocabularySize;
  }
  const config = fileObject(files, "config.json");
  const text = config?.["text_config"];
  const nested =
    typeof text === "object" && text !== null && "vocab_size" in text ? text.vocab_size : undefined;
  const size = config?.["vocab_size"] ?? nested;
  return typeof size === "number" && size > 0 ? size : undefined;
}

function modelType(files: ModelFiles): string {
  const type = fileObject(files, "config.json")?.["model_type"];
  return typeof type === "string" ? type : "";
}

function architectureOf(files: ModelFiles): string | undefined {
  const names = fileObject(files, "config.json")?.["architectures"];
  const first: unknown = Array.isArray(names) ? names[0] : undefined;
  return typeof first === "string" ? first : undefined;
}

function maxModelLength(facts: WorkerFacts, files: ModelFiles): number {
  const fromConfig = fileObject(files, "config.json")?.["max_position_embeddings"];
  const length = facts.maxModelLength === 0 ? fromConfig : facts.maxModelLength;
  if (typeof length !== "number" || length < 1) {
    throw new RouterError("model_files", "neither the engine nor config.json says how long a context may be");
  }
  return length;
}
