import { validationError } from "../api-error.ts";
import { pythonRepr } from "../json/python-text.ts";
import type { Integer } from "../validation/scalars.ts";

const INTEGER_TEXT = /^\s*[+-]?\d+(?:_\d+)*\s*$/;
const LIMIT = 100;

/**
 * Biases by token id: keys must spell integers, values are kept within ±100.
 *
 * @throws {@link ApiError} naming the keys that are no integers.
 */
export function readLogitBias(
  bias: ReadonlyMap<string, number> | null,
): ReadonlyMap<Integer, number> | undefined {
  if (bias === null) return undefined;
  const result = new Map<Integer, number>();
  const invalid: string[] = [];
  for (const [key, value] of bias) {
    if (!INTEGER_TEXT.test(key)) {
      invalid.push(key);
      continue;
    }
    const exact = BigInt(key.trim().replaceAll("_", "").replace(/^\+/, ""));
    const id = exact >= -(2n ** 53n) && exact <= 2n ** 53n ? Number(exact) : exact;
    result.set(id, clamp(value));
  }
  if (invalid.length === 0) return result;
  throw validationError(
    `logit_bias contains key(s) that cannot be converted to integer token IDs: ${pythonRepr(invalid)}`,
    "logit_bias",
    invalid,
  );
}

/** Python's `min(100.0, max(-100.0, value))`, which also says what becomes of nan: -100. */
function clamp(value: number): number {
  const raised = value > -LIMIT ? value : -LIMIT;
  return raised < LIMIT ? raised : LIMIT;
}
