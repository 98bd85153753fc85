import { readFile } from "node:fs/promises";
import {
  chatTemplateSource,
  compileChatTemplate,
  TextError,
  type ChatTemplate,
  type TemplateFiles,
} from "@vllm-router/text";
import { RouterError } from "../router-error.ts";
import { localTime } from "./local-clock.ts";
import { ADDITIONAL_TEMPLATES, fileObject, fileText, type ModelFiles } from "./model-files.ts";

/** The templates of a model. */
export interface ChatTemplates {
  /** For conversations without tools; undefined when the model has none. */
  readonly plain: ChatTemplate | undefined;
  /** For conversations with tools. */
  readonly withTools: ChatTemplate | undefined;
}

/**
 * Text of `--chat-template`: a file's, or the flag's own when it looks like a template.
 * @throws RouterError `model_files` when it is neither
 */
export async function readTemplateFlag(flag: string): Promise<string> {
  try {
    return await readFile(flag, "utf8");
  } catch (error) {
    if (/[{}\n]/.test(flag)) {
      return flag;
    }
    throw new RouterError("model_files", `--chat-template ${flag}: the file cannot be read`, {
      cause: error,
    });
  }
}

/**
 * Compiles a model's templates.
 * @param requested text of `--chat-template`; undefined for the model's own
 * @throws RouterError `model_files` when a requested template is broken, or the files with templates are
 */
export function compileChatTemplates(files: ModelFiles, requested: string | undefined): ChatTemplates {
  try {
    const sources = templateFiles(files);
    const plainSource = chatTemplateSource(sources, false, requested);
    const toolSource = chatTemplateSource(sources, true, requested);
    const compile = requested === undefined ? compileLate : compileNow;
    const plain = plainSource === undefined ? undefined : compile(plainSource);
    if (toolSource === plainSource) {
      return { plain, withTools: plain };
    }
    return { plain, withTools: toolSource === undefined ? undefined : compile(toolSource) };
  } catch (error) {
    if (error instanceof TextError) {
      throw new RouterError("model_files", `chat template: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function compileNow(source: string): ChatTemplate {
  return compileChatTemplate(source, { clock: () => localTime(new Date()) });
}

/** A model whose own template is broken can still complete texts: only conversations fail, with the reason. */
function compileLate(source: string): ChatTemplate {
  try {
    return compileNow(source);
  } catch (error) {
    if (!(error instanceof TextError)) {
      throw error;
    }
    return {
      source,
      contentFormat: "string",
      mentionsDeveloperRole: false,
      variables: new Set(),
      render: () => {
        throw error;
      },
      renderPieces: () => {
        throw error;
      },
    };
  }
}

function templateFiles(files: ModelFiles): TemplateFiles {
  const additional = [...files.keys()].filter((name) => name.startsWith(ADDITIONAL_TEMPLATES));
  return {
    chatTemplateFile: fileText(files, "chat_template.jinja"),
    additionalTemplates: new Map(
      additional.map((name) => [
        name.slice(ADDITIONAL_TEMPLATES.length).replace(/\.jinja$/, ""),
        fileText(files, name) ?? "",
      ]),
    ),
    configTemplate:
      fileObject(files, "tokenizer_config.json")?.["chat_template"] ??
      fileObject(files, "chat_template.json")?.["chat_template"],
  };
}
