import type { GenerateRequest } from "../engine.ts";
import { vllmEngineUncarriedField } from "../vllm-engine/carried-values.ts";

const MAX_INT32 = 0x7fff_ffff;
const MIN_INT32 = -0x8000_0000;

/**
 * The first field (vLLM's HTTP name) whose value does not fit `vllm.Inference`, or undefined when all do. The engine
 * client refuses such a request with `unimplemented`; nothing is wrapped, rounded or cut.
 */
export function inferenceUncarriedField(request: GenerateRequest): string | undefined {
  const { sampling, priority = 0 } = request;
  // A call runs one sequence; whoever wants more makes several calls.
  if (sampling.n !== 1) return "n";
  if (sampling.seed !== undefined && !Number.isSafeInteger(sampling.seed)) return "seed";
  if (!Number.isInteger(priority) || priority > MAX_INT32 || priority < MIN_INT32) return "priority";
  if (!isStruct(request.kvTransferParams)) return "kv_transfer_params";
  if (!isStruct(request.ecTransferParams)) return "ec_transfer_params";
  // The rest of the integers is as wide as in VllmEngine, whose seed is narrower.
  return vllmEngineUncarriedField({ ...sampling, seed: undefined });
}

/** True for a JSON object whose numbers survive as doubles: the protocol has no other numbers. */
function isStruct(json: string | undefined): boolean {
  if (json === undefined) return true;
  let isExact = true;
  let value: unknown;
  try {
    value = JSON.parse(json, (_key, item: unknown) => {
      if (Number.isInteger(item) && !Number.isSafeInteger(item)) isExact = false;
      return item;
    });
  } catch {
    return false;
  }
  return isExact && typeof value === "object" && value !== null && !Array.isArray(value);
}
