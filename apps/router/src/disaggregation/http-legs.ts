import { isJsonObject, parseJsonBytes, writeJson, type JsonObject, type JsonValue } from "@vllm-router/api";

/** Which API a path is. */
type LegApi = "chat" | "completion" | "responses" | "messages" | "generate";

const PATHS: readonly (readonly [path: string, api: LegApi])[] = [
  ["/v1/chat/completions", "chat"],
  ["/v1/completions", "completion"],
  ["/v1/responses", "responses"],
  ["/v1/messages", "messages"],
  ["/inference/v1/generate", "generate"],
];

/** Fields without a meaning for a prefill leg: its one token is read by nobody. */
const DROPPED: readonly string[] = [
  "stream_options",
  "min_tokens",
  "logprobs",
  "top_logprobs",
  "response_format",
  "structured_outputs",
  "best_of",
  "background",
];

/**
 * True when another engine can compute the prompt of this request: one prompt, whose blocks go to one sequence (or to
 * several where `isShared`), of which nothing is to be told, and which is not handed over by the client itself.
 */
export function isDivisible(
  request: { readonly method: string; readonly path: string; readonly fields: JsonObject | undefined },
  isShared: boolean,
): boolean {
  const { method, path, fields } = request;
  const api = apiOf(path);
  if (method !== "POST" || api === undefined || fields === undefined) {
    return false;
  }
  const sampling = samplingOf(api, fields);
  const echoes = fields.get("echo") === true && isSet(fields.get("logprobs"));
  return (
    !isSet(fields.get("kv_transfer_params")) &&
    !isSet(fields.get("ec_transfer_params")) &&
    !isSet(fields.get("previous_response_id")) &&
    !isSet(sampling.get("prompt_logprobs")) &&
    sampling.get("use_beam_search") !== true &&
    !echoes &&
    hasOnePrompt(api, fields) &&
    (isShared || isOne(sampling.get("n")))
  );
}

/** The body of the prefill leg: the client's, for one token, with the connector's parameters. */
export function prefillBody(path: string, body: Uint8Array, params: string | undefined): Uint8Array {
  const parsed = parseJsonBytes(body);
  const api = apiOf(path);
  if (!isJsonObject(parsed) || api === undefined) {
    return body;
  }
  const fields = new Map(parsed);
  for (const name of DROPPED) {
    fields.delete(name);
  }
  fields.set("stream", false);
  switch (api) {
    case "responses":
      fields.set("max_output_tokens", 1);
      fields.set("store", false);
      break;
    case "generate": {
      const sampling = new Map(samplingOf(api, parsed));
      sampling.delete("min_tokens");
      sampling.delete("logprobs");
      sampling.set("max_tokens", 1);
      fields.set("sampling_params", sampling);
      break;
    }
    case "chat":
    case "completion":
      // An end by length is what some connectors keep blocks for.
      fields.set("ignore_eos", true);
      fields.delete("stop");
      fields.delete("stop_token_ids");
      if (fields.has("n")) {
        fields.set("n", 1);
      }
      if (fields.has("max_completion_tokens")) {
        fields.set("max_completion_tokens", 1);
      }
      fields.set("max_tokens", 1);
      break;
    case "messages":
      fields.delete("stop_sequences");
      fields.set("max_tokens", 1);
      break;
  }
  if (api === "chat" && params !== undefined) {
    fields.set("return_token_ids", true);
  }
  const text = writeJson(fields);
  return spliced(new TextEncoder().encode(text), params);
}

/** The client's body as it is, with the connector's parameters put in at its end. */
export function decodeBody(body: Uint8Array, params: string | undefined): Uint8Array {
  return spliced(body, params);
}

/** What is handed over, and the prompt's tokens where the prefill engine told them: they are not made a second time. */
export function withPromptTokens(params: string | undefined, answer: JsonObject): string | undefined {
  const ids = answer.get("prompt_token_ids");
  if (params === undefined || !Array.isArray(ids) || ids.length === 0) {
    return params;
  }
  return `${params.slice(0, -1)}${params === "{}" ? "" : ","}"prompt_token_ids":${writeJson(ids)}}`;
}

const CLOSING_BRACE = 0x7d;

function spliced(body: Uint8Array, params: string | undefined): Uint8Array {
  const end = body.lastIndexOf(CLOSING_BRACE);
  if (params === undefined || end < 0) {
    return body;
  }
  const added = new TextEncoder().encode(
    `${isEmptyBefore(body, end) ? "" : ","}"kv_transfer_params":${params}}`,
  );
  const result = new Uint8Array(end + added.length);
  result.set(body.subarray(0, end));
  result.set(added, end);
  return result;
}

/** Whether the object that ends there has no field. */
function isEmptyBefore(body: Uint8Array, end: number): boolean {
  let at = end - 1;
  while (at >= 0 && (body[at] ?? 0) <= 0x20) {
    at -= 1;
  }
  return body[at] === 0x7b;
}

function apiOf(path: string): LegApi | undefined {
  const [bare = ""] = path.split("?", 1);
  return PATHS.find(([known]) => known === bare)?.[1];
}

function samplingOf(api: LegApi, fields: JsonObject): JsonObject {
  const nested = api === "generate" ? fields.get("sampling_params") : fields;
  return isJsonObject(nested) ? nested : new Map();
}

function hasOnePrompt(api: LegApi, fields: JsonObject): boolean {
  if (api !== "completion") {
    return true;
  }
  const prompt = fields.get("prompt");
  if (!Array.isArray(prompt)) {
    return typeof prompt === "string";
  }
  return typeof prompt[0] === "number" || prompt.length === 1;
}

function isSet(value: JsonValue | undefined): boolean {
  return value !== undefined && value !== null && value !== false;
}

function isOne(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || Number(value) === 1;
}
