import { createTokenizer, TextError, type Tokenizer } from "@vllm-router/text";
import { RouterError } from "../router-error.ts";
import { NodeTextUnits } from "./node-text-units.ts";
import { fileText, TOKENIZER_FILES, type ModelFiles } from "./model-files.ts";

/** Those of a model's files that its tokenizer is built from. */
export function tokenizerFilesOf(files: ModelFiles): ModelFiles {
  const wanted: readonly string[] = [...TOKENIZER_FILES, "config.json"];
  return new Map([...files].filter(([name]) => wanted.includes(name)));
}

/** Builds a model's tokenizer. @throws RouterError `model_files` saying what is missing or broken */
export function buildTokenizer(files: ModelFiles): Tokenizer {
  const tokenizerJson = fileText(files, "tokenizer.json");
  if (tokenizerJson === undefined) {
    throw new RouterError(
      "model_files",
      `the model has no tokenizer.json (only ${[...files.keys()].join(", ") || "nothing"}); give one with --tokenizer-path`,
    );
  }
  const tokenizerConfig = fileText(files, "tokenizer_config.json");
  const specialTokensMap = fileText(files, "special_tokens_map.json");
  const modelConfig = fileText(files, "config.json");
  try {
    return createTokenizer(
      {
        tokenizerJson,
        ...(tokenizerConfig === undefined ? {} : { tokenizerConfig }),
        ...(specialTokensMap === undefined ? {} : { specialTokensMap }),
        ...(modelConfig === undefined ? {} : { modelConfig }),
      },
      { createTextUnits: (size) => new NodeTextUnits(size) },
    );
  } catch (error) {
    if (error instanceof TextError) {
      throw new RouterError("model_files", `tokenizer: ${error.message}`, { cause: error });
    }
    throw error;
  }
}
