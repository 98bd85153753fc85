import { parseJson, type JsonObject, type JsonValue } from "@vllm-router/api";
import type { ModelRuntime } from "./model-runtime.ts";

/** Names of files, which vLLM leaves out. */
const FILE_KEYS = ["vocab_file", "merges_file"];

/** Older names of keys, and what transformers 5 makes of them. */
const RENAMED: ReadonlyMap<string, string> = new Map([["additional_special_tokens", "extra_special_tokens"]]);

/** A name of the hub: everything else is a directory. */
const HUB_NAME = /^[\w.-]+\/[\w.-]+$/;

/**
 * The tokenizer's configuration as `/tokenizer_info` shows it: that of its file, tokens as their texts, with the template
 * in use, the class as vLLM wraps it, and what vLLM and transformers add for every model.
 */
export function tokenizerInfo(model: ModelRuntime): JsonObject {
  const given = model.tokenizerConfig === undefined ? new Map() : parseJson(model.tokenizerConfig);
  const info: JsonObject = new Map();
  for (const [name, value] of given instanceof Map ? (given as JsonObject) : []) {
    if (!FILE_KEYS.includes(name)) {
      info.set(RENAMED.get(name) ?? name, plain(value));
    }
  }
  const template = model.chatTemplate?.source;
  if (template !== undefined) {
    info.set("chat_template", template);
  }
  info.set("truncation_side", "left");
  info.set("name_or_path", model.root);
  info.set("is_local", !HUB_NAME.test(model.root));
  info.set("backend", "tokenizers");
  const className = info.get("tokenizer_class");
  if (typeof className === "string") {
    info.set("tokenizer_class", `TokenizerPoolCached${className.replace(/Fast$/, "")}`);
  }
  return info;
}

/** A token's description becomes its text. */
function plain(value: JsonValue): JsonValue {
  if (Array.isArray(value)) {
    return (value as readonly JsonValue[]).map(plain);
  }
  if (!(value instanceof Map)) {
    return value;
  }
  const object = value as JsonObject;
  return object.get("content") ?? new Map([...object].map(([name, member]) => [name, plain(member)]));
}
