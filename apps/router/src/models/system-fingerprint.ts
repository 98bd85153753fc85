import { createHash } from "node:crypto";

/** `--fingerprint-mode`. */
export type FingerprintMode = "full" | "hash" | "custom" | "none";

/** What the fingerprint tells apart. */
export interface FingerprintFacts {
  /** Empty when unknown. */
  readonly engineVersion: string;
  /** Data-parallel ranks of the worker. */
  readonly dataParallelSize: number;
  /** Hash of the model's files and settings. */
  readonly contentHash: string;
}

/**
 * `system_fingerprint` in vLLM's form, `vllm-VERSION[-dpN]-HASH8`. The hash is the router's own, over the model's files:
 * the engine's configuration hash does not travel over gRPC.
 */
export function systemFingerprint(
  mode: FingerprintMode,
  value: string | undefined,
  facts: FingerprintFacts,
): string | null {
  if (mode === "none") {
    return null;
  }
  if (mode === "custom") {
    return value ?? null;
  }
  const hash = createHash("sha256").update(facts.contentHash).digest("hex").slice(0, 8);
  const parallel = mode === "full" && facts.dataParallelSize > 1 ? `-dp${facts.dataParallelSize}` : "";
  return `vllm-${facts.engineVersion === "" ? "unknown" : facts.engineVersion}${parallel}-${hash}`;
}
