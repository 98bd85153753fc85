import type { GenerateRequest } from "@vllm-router/proto/messages";

/** What became of the blocks of one engine, counted since it started. */
export interface KvTransferCounts {
  /** Prompts whose blocks another engine may fetch. */
  handedOver: number;
  /** Prompts fetched from another engine. */
  fetched: number;
  /** Prompts that were to be fetched and were not there. */
  missing: number;
  /** Prompt tokens that came from another engine. */
  fetchedTokens: number;
  /** Held blocks that nobody fetched in time. */
  expired: number;
}

/** How a request takes part in a transfer. */
export interface KvTransfer {
  /** Prompt tokens that came from another engine. */
  readonly fetchedTokens: number;
  /** Waits for another engine's blocks; absent where there is nothing to wait for. False when they do not come. */
  readonly arrival?: (settled: (isThere: boolean) => void) => void;
  /** The request ended in a way of its own. Parameters of the answer; undefined for none. */
  handOver(finish: string): string | undefined;
  /** The request was aborted. */
  abandoned?(): void;
}

/** The KV connector of one life of a simulated engine. */
export interface KvConnectorSide extends Disposable {
  /** vLLM's name of the connector. */
  readonly name: string;
  readonly counts: KvTransferCounts;
  /** Another one for every life of an engine. */
  readonly engineId: string;
  /** Prompts whose blocks are held now. */
  readonly heldPrompts: number;
  /** Takes a request; undefined for one that moves nothing. */
  take(
    request: GenerateRequest,
    prompt: { readonly tokens: number; readonly rank: number },
  ): KvTransfer | undefined;
}
