import type { Clock } from "./clock.ts";
import type { GrpcStatusName } from "./grpc-status.ts";
import type { AnnouncementOptions } from "./zmq-announcer.ts";
import type { KvEventsConfig } from "./zmq-kv-publisher.ts";

/** What goes wrong on purpose from the start; see `Faults`, which can change it later. */
export interface FaultOptions {
  readonly refuseRate?: number;
  readonly errorStatus?: GrpcStatusName;
  readonly slowFactor?: number;
  readonly isHanging?: boolean;
  readonly dieAfterTokens?: number;
  readonly dieAtFetch?: number;
  readonly keepsBlocks?: boolean;
  readonly dropStreamAfterTokens?: number;
  readonly stallStreamAfterTokens?: number;
  readonly goawayAfterCalls?: number;
  readonly loseKvBatches?: number;
  readonly repeatKvBatches?: number;
}

/** A MoRI-IO engine; ports of its own where none are given. */
export interface MoriioOptions {
  /** vLLM's `kv_role`. */
  readonly role: "kv_producer" | "kv_consumer";
  /** Default `write`, as in vLLM. */
  readonly mode?: "read" | "write";
  readonly handshakePort?: number;
  readonly notifyPort?: number;
}

/** What the gRPC server speaks: `vllm serve --grpc` or `vllm-rs serve --grpc-port`. */
export type SimulatorProtocol = "vllm-engine" | "vllm-inference";

/** Options of `startSimulator`; all have defaults. */
export interface SimulatorOptions {
  /** Default `vllm-engine`. */
  readonly protocol?: SimulatorProtocol;
  /** Address of the gRPC server. Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free port. */
  readonly port?: number;
  /** Port of the small HTTP face, 0 = a free one. Default: no HTTP face. */
  readonly httpPort?: number;
  /** Whether usage of the HTTP face says how many prompt tokens were cached. Default false, as in vLLM. */
  readonly promptTokensDetails?: boolean;
  /** A local model directory. Default: the built-in model. */
  readonly modelPath?: string;
  /**
   * Numbers in an embedding, for a model that embeds instead of generating. Default: it generates. Its vectors are made
   * up, but the same everywhere.
   */
  readonly embeddingSize?: number;
  /** Default: the model's path, or `simulated` for the built-in one. */
  readonly servedModelNames?: readonly string[];
  /** LoRA adapters it has from the start; even none means that it takes some. Speaks of them as vllm-inference alone. */
  readonly loras?: readonly string[];
  /** Tokens of prompt and output together. Default: the model's positions, at most what `kvBlocks` hold. */
  readonly maxModelLen?: number;
  /** Tokens in a KV block. Default 16. */
  readonly blockSize?: number;
  /** KV blocks of a rank, one of them a placeholder. Default 4096, or as many as `maxModelLen` needs. */
  readonly kvBlocks?: number;
  /** Sequences that run at once in a rank. Default 256. */
  readonly maxNumSeqs?: number;
  /** Tokens of one step. Default 8192. */
  readonly maxNumBatchedTokens?: number;
  /** Most alternatives in logprobs. Default 20. */
  readonly maxLogprobs?: number;
  /** Base time of a step in milliseconds. Default 8. */
  readonly stepMs?: number;
  /** Prompt tokens computed per second. Default 20 000. */
  readonly prefillTokensPerSecond?: number;
  /** Milliseconds that each decoding sequence adds to a step. Default 0.05. */
  readonly sequenceMs?: number;
  /** Divides every time; 0 is as fast as the machine can. Default 1. */
  readonly speed?: number;
  /** Of the token model; engines that shall give the same tokens need the same. Default 0. */
  readonly seed?: number;
  /** Data-parallel ranks. Default 1. */
  readonly dataParallelSize?: number;
  /** Milliseconds until health turns to SERVING. Default 0. */
  readonly startupDelayMs?: number;
  /** Whether SubscribeKvEvents works. Default true. */
  readonly kvEvents?: boolean;
  /** Hands KV blocks to, and takes them from, other engines of this program. Default: no connector. */
  readonly kvConnector?: "nixl" | "mooncake" | MoriioOptions | undefined;
  /** Where it announces itself from its start on. Default: nowhere. */
  readonly announces?: AnnouncementOptions | undefined;
  /** Port of Mooncake's bootstrap server; 0 takes a free one. Default 0. */
  readonly bootstrapPort?: number;
  /** What becomes of a prompt whose blocks could not be fetched over NIXL; "fail" as in vLLM by default. */
  readonly kvLoadFailurePolicy?: "fail" | "recompute" | undefined;
  /** Name of the reasoning parser it says it holds constraints back by. Default: it holds them from the first token. */
  readonly reasoningParser?: string;
  /** Publishes KV events by ZMQ as well. Default: not. */
  readonly kvEventsConfig?: KvEventsConfig;
  readonly faults?: FaultOptions;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Called when `die-after-tokens` strikes, after the sockets are cut. */
  readonly died?: () => void;
}
