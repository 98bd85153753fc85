import { validationError } from "@vllm-router/api";

/** Token ids travel as 32-bit integers; no vocabulary comes near the limit. */
const MAX_TOKEN_ID = 2 ** 31 - 1;

/**
 * Token ids as 32-bit integers. Those beyond are refused here, before they could wrap around.
 * @throws ApiError 400 with vLLM's text
 */
export function takeWideIds(ids: readonly (number | bigint)[]): Int32Array {
  const tooLarge = ids.find((id) => id > MAX_TOKEN_ID || id < -MAX_TOKEN_ID);
  if (tooLarge !== undefined) {
    throw validationError(`Token id ${tooLarge} is out of vocabulary`);
  }
  return Int32Array.from(ids, Number);
}
