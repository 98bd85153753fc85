import type { EngineCapabilities, EngineDialect } from "./engine.ts";

/** `vllm.grpc.engine.VllmEngine` (smg-grpc-proto 0.4.28, vLLM 0.32). */
export const VLLM_ENGINE_CAPABILITIES: EngineCapabilities = {
  dialect: "vllm-engine",
  unsupportedFields: new Set([
    "allowed_token_ids",
    "bad_words",
    "cache_salt",
    "chat_template_kwargs",
    "ec_transfer_params",
    "include_reasoning",
    "logprob_token_ids",
    "lora",
    "priority",
    "prompt_embeds",
    "prompt_logprobs_ranks",
    "reasoning_ended",
    "reasoning_parser_kwargs",
    "seed",
    "session_id",
    "structured_outputs.disable_any_whitespace",
    "thinking_token_budget",
    "use_activation",
    "vllm_xargs",
  ]),
  severalSequences: true,
  reportsCachedTokens: true,
};

/** `vllm.Inference` and `vllm.Control` (vllm-rs 0.32). `n` is served by several calls, so it is not among the fields. */
export const VLLM_INFERENCE_CAPABILITIES: EngineCapabilities = {
  dialect: "vllm-inference",
  unsupportedFields: new Set([
    "bad_words",
    "chat_template_kwargs",
    "include_reasoning",
    "prompt_embeds",
    "reasoning_ended",
    "reasoning_parser_kwargs",
    "structured_outputs.disable_any_whitespace",
    "thinking_token_budget",
    "use_activation",
    "vllm_xargs",
  ]),
  severalSequences: false,
  reportsCachedTokens: false,
};

/** vLLM's HTTP API: the client's body is passed on as it is, so nothing is out of reach. */
export const HTTP_CAPABILITIES: EngineCapabilities = {
  dialect: "http",
  unsupportedFields: new Set(),
  severalSequences: true,
  reportsCachedTokens: true,
};

/** Capabilities of every dialect; the documentation's table is made from this. */
export const CAPABILITIES: Readonly<Record<EngineDialect, EngineCapabilities>> = {
  "vllm-engine": VLLM_ENGINE_CAPABILITIES,
  "vllm-inference": VLLM_INFERENCE_CAPABILITIES,
  http: HTTP_CAPABILITIES,
};
