import { parseJson, type JsonObject, type JsonValue } from "@vllm-router/api";
import type { ModelRuntime } from "./model-runtime.ts";

/** Names of files, which vLLM leaves out. */
const FILE_KEYS = ["vocab_file", "merges_file"];

/**
 * The tokenizer's configuration as `/tokenizer_info` shows it: that of its file, tokens as their texts, with the template
 * in use and the class as vLLM wraps it. What transformers adds of its own accord is not known here.
 */
export function tokenizerInfo(model: ModelRuntime): JsonObject {
  const given = model.tokenizerConfig === undefined ? new Map() : parseJson(model.tokenizerConfig);
  const info: JsonObject = new Map();
  for (const [name, value] of given instanceof Map ? (given as JsonObject) : []) {
    if (!FILE_KEYS.includes(name)) {
      info.set(name, plain(value));
    }
  }
  const template = model.chatTemplate?.source;
  if (template !== undefined) {
    info.set("chat_template", template);
  }
  info.set("name_or_path", model.root);
  const className = info.get("tokenizer_class");
  if (typeof className === "string") {
    info.set("tokenizer_class", `Cached${className.replace(/Fast$/, "")}`);
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
