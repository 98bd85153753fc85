import type { GenerateRequest, SamplingParameters } from "../engine.ts";

const MAX_INT32 = 0x7fff_ffff;
const MIN_INT32 = -0x8000_0000;
const MAX_UINT32 = 0xffff_ffff;

/**
 * True when VllmEngine can carry the seed. Its field is an int32, the HTTP API's has 64 bits, and wrapping would sample
 * differently from the same seed elsewhere; so the caller refuses other seeds, naming the field.
 */
export function vllmEngineSeedIsCarried(seed: number | undefined): boolean {
  return seed === undefined || isInt32(seed);
}

/** The first field of a request that VllmEngine has no place for, or no room for its value; undefined when all fit. */
export function vllmEngineUncarriedRequestField(request: GenerateRequest): string | undefined {
  const { sampling } = request;
  if ((request.priority ?? 0) !== 0) return "priority";
  if (request.cacheSalt !== undefined) return "cache_salt";
  if (request.ecTransferParams !== undefined) return "ec_transfer_params";
  if (request.loraName !== undefined) return "lora";
  if (sampling.allowedTokenIds !== undefined) return "allowed_token_ids";
  if (sampling.logprobTokenIds !== undefined) return "logprob_token_ids";
  return vllmEngineUncarriedField(sampling);
}

/**
 * The first sampling field (vLLM's HTTP name) whose value does not fit VllmEngine's narrower integers, or undefined when
 * all do. The engine client refuses such a request with `unimplemented`; nothing is wrapped or cut.
 */
export function vllmEngineUncarriedField(sampling: SamplingParameters): string | undefined {
  if (!vllmEngineSeedIsCarried(sampling.seed)) return "seed";
  if (!isUint32(Math.max(sampling.topK, 0))) return "top_k";
  if (!isUint32(sampling.maxTokens)) return "max_tokens";
  if (!isUint32(sampling.minTokens)) return "min_tokens";
  if (!isUint32(sampling.n)) return "n";
  if (sampling.logprobs !== undefined && !isInt32(sampling.logprobs)) return "logprobs";
  if (sampling.promptLogprobs !== undefined && !isInt32(sampling.promptLogprobs)) return "prompt_logprobs";
  if (!sampling.stopTokenIds.every(isUint32)) return "stop_token_ids";
  for (const id of sampling.logitBias?.keys() ?? []) if (!isInt32(id)) return "logit_bias";
  return undefined;
}

function isInt32(value: number): boolean {
  return Number.isInteger(value) && value >= MIN_INT32 && value <= MAX_INT32;
}

function isUint32(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_UINT32;
}
