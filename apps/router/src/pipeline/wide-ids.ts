import { validationError } from "@vllm-router/api";

/** Token ids travel as 32-bit integers; no vocabulary comes near the limit. */
const MAX_TOKEN_ID = 2 ** 31 - 1;

/**
 * Refuses ids that the tokenizer cannot even look up, as its decoder does: it takes unsigned 32-bit integers, and Python
 * hands it signed 64-bit ones.
 * @throws ApiError 400 with vLLM's text
 */
export function checkDecodable(ids: readonly (number | bigint)[]): void {
  for (const id of ids) {
    if (id >= 2n ** 63n) throw validationError("Python int too large to convert to C long");
    if (id >= 2 ** 32) throw validationError("number too large to fit in target type");
  }
}

/** Whether an id has no place in 32 bits. */
export function isWide(id: number | bigint): boolean {
  return id > MAX_TOKEN_ID || id < -MAX_TOKEN_ID;
}

/**
 * Token ids as 32-bit integers. Those beyond are refused here, before they could wrap around.
 * @throws ApiError 400 with vLLM's text
 */
export function takeWideIds(ids: readonly (number | bigint)[]): Int32Array {
  const tooLarge = ids.find(isWide);
  if (tooLarge !== undefined) {
    throw validationError(`Token id ${tooLarge} is out of vocabulary`);
  }
  return Int32Array.from(ids, Number);
}
