import type { EmbedRecord } from "./embed-service.ts";
import type { RequestRecord } from "./engine-service.ts";
import type { Faults } from "./faults.ts";
import type { KvTransferCounts } from "./kv-connector-side.ts";
import type { MoriioConfig } from "./moriio-side.ts";
import type { KvEventAddress } from "./zmq-kv-publisher.ts";

/** A running engine and its levers. */
export interface Simulator {
  readonly host: string;
  readonly port: number;
  /** `host:port` of the gRPC server. */
  readonly address: string;
  /** `host:port` of the HTTP face; `undefined` without one. */
  readonly httpAddress: string | undefined;
  /** Where KV events are published by ZMQ, by rank; empty without `kvEventsConfig`. */
  readonly kvEventAddresses: readonly KvEventAddress[];
  /** Peers that listen to KV events by ZMQ, over all ranks. */
  readonly kvEventSubscribers: number;
  readonly servedModelNames: readonly string[];
  /** What goes wrong; may change at any time. */
  readonly faults: Faults;
  /** Generate calls as they arrived, the latest 1000 of this life and those before. */
  readonly requests: readonly RequestRecord[];
  /** Embed calls as they arrived, the latest 1000 of this life and those before. */
  readonly embeddings: readonly EmbedRecord[];
  /** Embed calls that run now. */
  readonly runningEmbeddings: number;
  /** Most Embed calls that ran at one time. */
  readonly mostRunningEmbeddings: number;
  /** HTTP/2 streams open now. */
  readonly openStreams: number;
  /** HTTP/2 streams open now, without subscriptions to events, which last as long as their client likes. */
  readonly openCalls: number;
  readonly openConnections: number;
  /** Requests ended by their client or by an Abort call. */
  readonly abortCount: number;
  /** Where Mooncake's bootstrap server listens; undefined without one. */
  readonly bootstrapPort: number | undefined;
  /** What became of blocks that travel, in this life; undefined without a KV connector. */
  readonly kvTransfers: (KvTransferCounts & { readonly held: number }) | undefined;
  /** What its MoRI-IO connector is configured with; undefined without one. */
  readonly moriio: MoriioConfig | undefined;
  /** Prompts that MoRI-IO in read mode took for read, though nobody handed them over, in this life. */
  readonly unreadPrompts: number;
  /** Tokens generated in this life. */
  readonly generatedTokens: number;
  /** Requests that run or wait. */
  readonly runningRequests: number;
  /** Tells all clients to go away; running calls go on. */
  goaway(): void;
  /** Cuts every connection at once and stops listening, as SIGKILL does. */
  kill(): Promise<void>;
  /** A new life on the same port: empty cache, no requests, health after the start-up delay. Kills first if needed. */
  restart(): Promise<void>;
  /** Stops listening and lets running calls end for `graceMs` (default 0), then cuts them. */
  close(graceMs?: number): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
