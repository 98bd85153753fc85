import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  chatTemplateSource,
  compileChatTemplate,
  createTokenizer,
  TextError,
  type ChatTemplate,
} from "@vllm-router/text";
import type { WorkerFacts } from "../fleet/worker-connector.ts";
import { RouterError } from "../router-error.ts";
import { readGenerationDefaults, readObject } from "./generation-defaults.ts";
import { isHubName, readHubModelFiles, type HubOptions } from "./hub-files.ts";
import { localTime } from "./local-clock.ts";
import { fileText, modelFilesHash, readLocalModelFiles, type ModelFiles } from "./model-files.ts";
import type { ModelRuntime } from "./model-runtime.ts";
import { systemFingerprint, type FingerprintMode } from "./system-fingerprint.ts";

/** Flags that say where a model's files come from and how they are used. */
export interface ModelBuilderOptions {
  /** `--served-model-name`; empty takes the engine's own names. */
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
  readonly hub: HubOptions;
}

/** Builds what the router must know of a model; workers with the same files share one. */
export class ModelBuilder {
  readonly #options: ModelBuilderOptions;
  readonly #building = new Map<string, Promise<ModelRuntime>>();

  constructor(options: ModelBuilderOptions) {
    this.#options = options;
  }

  /**
   * The runtime of a worker's model. Files come from the flags, else from the engine, else from the hub's cache or the hub.
   * @throws RouterError `model_files` when there is no tokenizer, or it cannot be used
   */
  async build(facts: WorkerFacts): Promise<ModelRuntime> {
    const files = await this.#files(facts);
    const hash = modelFilesHash(files);
    const key = JSON.stringify([hash, facts.modelNames, facts.maxModelLength, facts.vocabularySize]);
    let building = this.#building.get(key);
    if (building === undefined) {
      building = this.#assemble(facts, files, hash);
      this.#building.set(key, building);
      building.catch(() => this.#building.delete(key));
    }
    return building;
  }

  async #files(facts: WorkerFacts): Promise<ModelFiles> {
    const { modelPath, tokenizerPath } = this.#options;
    const base = modelPath === undefined ? await this.#engineFiles(facts) : await this.#named(modelPath);
    if (tokenizerPath === undefined) {
      return base;
    }
    const tokenizer = await this.#named(tokenizerPath);
    return new Map([...base, ...tokenizer]);
  }

  async #engineFiles(facts: WorkerFacts): Promise<ModelFiles> {
    if (facts.files.has("tokenizer.json")) {
      return facts.files;
    }
    const name = facts.tokenizerPath === "" ? facts.root : facts.tokenizerPath;
    if (name === "") {
      throw new RouterError(
        "model_files",
        "the engine hands out no tokenizer files; name them with --model-path or --tokenizer-path",
      );
    }
    return this.#named(name);
  }

  /** A directory or file of this machine, else a hub name. */
  async #named(name: string): Promise<ModelFiles> {
    const isLocal = await stat(name).then(
      () => true,
      () => false,
    );
    if (isLocal) {
      return readLocalModelFiles(name);
    }
    if (isHubName(name)) {
      return readHubModelFiles(name, this.#options.hub);
    }
    throw new RouterError("model_files", `${name}: neither a path of this machine nor a hub name`);
  }

  async #assemble(facts: WorkerFacts, files: ModelFiles, hash: string): Promise<ModelRuntime> {
    const options = this.#options;
    const tokenizerJson = fileText(files, "tokenizer.json");
    if (tokenizerJson === undefined) {
      throw new RouterError(
        "model_files",
        `no tokenizer.json among the files of ${facts.root}; name one with --tokenizer-path`,
      );
    }
    try {
      const tokenizerConfig = fileText(files, "tokenizer_config.json");
      const specialTokensMap = fileText(files, "special_tokens_map.json");
      const tokenizer = createTokenizer({
        tokenizerJson,
        ...(tokenizerConfig === undefined ? {} : { tokenizerConfig }),
        ...(specialTokensMap === undefined ? {} : { specialTokensMap }),
      });
      const defaults = readGenerationDefaults(files, {
        source: options.generationConfig,
        directoryFiles: ["auto", "vllm"].includes(options.generationConfig)
          ? undefined
          : await readLocalModelFiles(options.generationConfig),
        overrides: options.overrideGenerationConfig,
      });
      const requested =
        options.chatTemplate === undefined ? undefined : await templateText(options.chatTemplate);
      const endOfSequenceTokenId = tokenizer.endOfSequenceTokenId;
      return {
        servedNames: options.servedModelNames.length > 0 ? options.servedModelNames : namesOf(facts),
        root: facts.root,
        maxModelLength: facts.maxModelLength,
        vocabularySize: facts.vocabularySize,
        tokenizer,
        chatTemplate: compiled(files, false, requested),
        toolTemplate: compiled(files, true, requested),
        defaults,
        endOfSequenceTokenId,
        extraEndTokenIds: defaults.endTokenIds.filter((id) => id !== endOfSequenceTokenId),
        contentHash: hash,
        engineVersion: facts.engineVersion,
        systemFingerprint: systemFingerprint(options.fingerprintMode, options.fingerprintValue, {
          engineVersion: facts.engineVersion,
          dataParallelSize: facts.ranks,
          contentHash: hash,
        }),
      };
    } catch (error) {
      if (error instanceof TextError) {
        throw new RouterError("model_files", `${facts.root}: ${error.message}`, { cause: error });
      }
      throw error;
    }
  }
}

function namesOf(facts: WorkerFacts): readonly string[] {
  return facts.modelNames.length > 0 ? facts.modelNames : [facts.root];
}

function compiled(
  files: ModelFiles,
  hasTools: boolean,
  requested: string | undefined,
): ChatTemplate | undefined {
  const source = chatTemplateSource(
    {
      chatTemplateFile: fileText(files, "chat_template.jinja"),
      configTemplate: readObject(files, "tokenizer_config.json")["chat_template"],
    },
    hasTools,
    requested,
  );
  return source === undefined
    ? undefined
    : compileChatTemplate(source, { clock: () => localTime(new Date()) });
}

/** `--chat-template`: a file where there is one of that name, else the template's own text (or a template's name). */
async function templateText(value: string): Promise<string> {
  try {
    return await readFile(value, "utf8");
  } catch (error) {
    if (/[{}\n]/.test(value) || !/[./\\]/.test(value)) {
      return value;
    }
    throw new RouterError(
      "model_files",
      `--chat-template ${value}: cannot be read (looked in ${dirname(join(process.cwd(), value))})`,
      { cause: error },
    );
  }
}
