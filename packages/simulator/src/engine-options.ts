import type { Clock } from "./clock.ts";
import type { EngineOptions } from "./engine.ts";
import type { Faults } from "./faults.ts";
import type { Model } from "./model.ts";
import { SimulatorError } from "./simulator-error.ts";
import type { SimulatorOptions } from "./simulator-options.ts";

const defaultKvBlocks = 4096;

/**
 * Settings of an engine, defaults filled in.
 * @throws SimulatorError invalid_option
 */
export function engineOptions(
  options: SimulatorOptions,
  parts: { readonly model: Model; readonly clock: Clock; readonly faults: Faults },
): Omit<EngineOptions, "kvRootHash"> {
  const blockSize = options.blockSize ?? 16;
  const wantedLen = options.maxModelLen ?? parts.model.maxPositions;
  const kvBlocks = options.kvBlocks ?? Math.max(defaultKvBlocks, Math.ceil(wantedLen / blockSize) + 1);
  const capacity = (kvBlocks - 1) * blockSize;
  if (options.maxModelLen !== undefined && options.maxModelLen > capacity) {
    throw new SimulatorError(
      "invalid_option",
      `the KV cache holds ${capacity} tokens, less than the maximum model length of ${options.maxModelLen}: ` +
        "raise --kv-blocks or lower --max-model-len",
    );
  }
  return {
    ...parts,
    seed: options.seed ?? 0,
    limits: {
      blockSize,
      kvBlocks,
      maxNumSeqs: options.maxNumSeqs ?? 256,
      maxNumBatchedTokens: options.maxNumBatchedTokens ?? 8192,
    },
    maxModelLen: Math.min(wantedLen, capacity),
    maxLogprobs: options.maxLogprobs ?? 20,
    timing: {
      stepMs: options.stepMs ?? 8,
      prefillTokensPerSecond: options.prefillTokensPerSecond ?? 20_000,
      sequenceMs: options.sequenceMs ?? 0.05,
      speed: options.speed ?? 1,
    },
    dataParallelSize: options.dataParallelSize ?? 1,
  };
}
