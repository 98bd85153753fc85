import { isJsonObject, type JsonObject, parseJson } from "@vllm-router/api";
import type { GenerateRequest } from "@vllm-router/proto/messages";
import type { Clock, Timer } from "./clock.ts";
import type { Faults } from "./faults.ts";
import type { KvConnectorSide, KvTransfer, KvTransferCounts } from "./kv-connector-side.ts";
import { blockGroups, type MoriioPeer, peerOf, requireKeys } from "./moriio-params.ts";

/** What a MoRI-IO engine is configured with. */
export interface MoriioConfig {
  /** vLLM's `kv_role`. Who is no producer takes the part of the decode engine. */
  readonly role: "kv_producer" | "kv_consumer";
  /** `read_mode` of `kv_connector_extra_config`. */
  readonly mode: "read" | "write";
  /** Rank r has the port plus r. */
  readonly handshakePort: number;
  readonly notifyPort: number;
}

/** What an engine says of itself at a router, as vLLM's connectors do. */
export function announcementOf(
  config: MoriioConfig | undefined,
  { role = "P" }: { readonly role?: "P" | "D" },
  { host, address, ranks }: { readonly host: string; readonly address: string; readonly ranks: number },
): Readonly<Record<string, string | number>> {
  if (config === undefined) {
    return { type: role, http_address: address, zmq_address: address };
  }
  const { handshakePort, notifyPort, mode } = config;
  return {
    type: config.role === "kv_producer" ? "P" : "D",
    http_address: address,
    zmq_address: `host:${host},handshake:${handshakePort},notify:${notifyPort}`,
    dp_size: ranks,
    tp_size: 1,
    transfer_mode: mode.toUpperCase(),
  };
}

/** The engine around a connector. */
export interface MoriioEngine {
  readonly host: string;
  readonly faults: Faults;
  readonly ranks: number;
  readonly die: () => void;
}

/** Blocks that a decode engine has set aside for a transfer. */
interface Allocation {
  readonly side: MoriioSide;
  readonly settle: (isThere: boolean) => void;
}

/** A transfer at the rank of a prefill engine, whichever half came first. */
interface Transfer {
  /** Runs once the prompt is computed and its blocks are held. */
  lease: Timer | undefined;
  /** Where the prefill engine takes the decode engine to be; written to in write mode. */
  peer: MoriioPeer | undefined;
  allocation: Allocation | undefined;
}

/** How long a prompt is held that nobody takes; vLLM's `defer_timeout`. */
const DEFER_TIMEOUT_MS = 60_000;
/** Living engines of this program by the addresses of their connectors. */
const engines = new Map<string, MoriioSide>();

/**
 * The MoRIIOConnector of a simulated engine, after vLLM 0.32. It reads what vLLM's reads and where, raises where that
 * raises, and waits for good where that does: a notice at a wrong port reaches nobody. Blocks travel within this program.
 */
export class MoriioSide implements KvConnectorSide {
  readonly name = "MoRIIOConnector";
  readonly counts: KvTransferCounts = { handedOver: 0, fetched: 0, missing: 0, fetchedTokens: 0, expired: 0 };
  readonly engineId: string;
  /** Prompts that a reading decode engine took for read, though nobody handed them over: it says nonsense. */
  unread = 0;
  readonly #clock: Clock;
  readonly #config: MoriioConfig;
  readonly #engine: MoriioEngine;
  readonly #transfers = new Map<string, Transfer>();
  #given = 0;
  #isClosed = false;

  constructor(clock: Clock, config: MoriioConfig, engine: MoriioEngine) {
    this.#clock = clock;
    this.#config = config;
    this.#engine = engine;
    this.engineId = `${engine.host}:${config.handshakePort}`;
    engines.set(this.engineId, this);
  }

  get heldPrompts(): number {
    return [...this.#transfers.values()].filter(({ lease }) => lease !== undefined).length;
  }

  take(
    request: GenerateRequest,
    prompt: { readonly tokens: number; readonly rank: number },
  ): KvTransfer | undefined {
    const json = request.kvTransferParamsJson;
    const parsed = json === undefined ? undefined : parseJson(json);
    const params = isJsonObject(parsed) && parsed.size > 0 ? parsed : undefined;
    const { role, mode } = this.#config;
    if (role === "kv_producer") {
      return params?.get("do_remote_decode") === true
        ? this.#produce(params, { id: request.requestId, rank: prompt.rank })
        : undefined;
    }
    if (params?.get("do_remote_prefill") === true) {
      return mode === "read"
        ? this.#read(params, { id: request.requestId, tokens: prompt.tokens })
        : this.#awaitWrite(params, { id: request.requestId, ...prompt });
    }
    if (mode === "read") {
      this.unread += 1;
    }
    return undefined;
  }

  /** A decode engine reads the blocks of a rank, and says that it has. */
  give(rank: number, transferId: string): boolean {
    const key = keyOf(rank, transferId);
    const lease = this.#transfers.get(key)?.lease;
    if (lease === undefined || this.#diesNow()) return false;
    lease.cancel();
    return this.#transfers.delete(key);
  }

  /** A decode engine says at a rank's notify port which blocks it has set aside. */
  allocated(rank: number, transferId: string, allocation: Allocation): void {
    this.#transferAt(rank, transferId).allocation = allocation;
    this.#writeIfReady(rank, transferId);
  }

  /** Whether an engine that shakes hands with each of `dataRanks` ranks finds them all here. */
  hasRanks(dataRanks: number): boolean {
    return this.#engine.ranks === dataRanks;
  }

  /** The engine's life is over. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    engines.delete(this.engineId);
    for (const { lease } of this.#transfers.values()) lease?.cancel();
    this.#transfers.clear();
  }

  #produce(params: JsonObject, { id, rank }: { readonly id: string; readonly rank: number }): KvTransfer {
    const transferId = transferOf(params, id);
    const isWriting = this.#config.mode === "write";
    if (isWriting) {
      requireKeys(params, ["remote_block_ids", "remote_engine_id"]);
      this.#transferAt(rank, transferId).peer = peerOf(params, { id, isProducer: true });
    }
    const key = keyOf(rank, transferId);
    return {
      fetchedTokens: 0,
      handOver: (finish) => {
        if (finish !== "length") {
          this.#transfers.delete(key);
          return undefined;
        }
        this.counts.handedOver += 1;
        this.#transferAt(rank, transferId).lease = this.#clock.after(DEFER_TIMEOUT_MS, () => {
          this.counts.expired += 1;
          this.#transfers.delete(key);
        });
        if (isWriting) this.#writeIfReady(rank, transferId);
        return this.#told(rank, transferId);
      },
      abandoned: () => {
        if (this.#transfers.get(key)?.lease === undefined) this.#transfers.delete(key);
      },
    };
  }

  /** What `request_finished` returns. */
  #told(rank: number, transferId: string): string {
    const { handshakePort, notifyPort } = this.#config;
    const { host, ranks } = this.#engine;
    return JSON.stringify({
      do_remote_prefill: true,
      do_remote_decode: false,
      remote_block_ids: [[1, 2]],
      remote_engine_id: this.engineId,
      remote_host: host,
      // As texts where they are the connector's own defaults.
      remote_handshake_port: String(handshakePort),
      remote_notify_port: notifyPort,
      remote_dp_rank: rank,
      remote_dp_rank_override: true,
      remote_dp_size: ranks,
      remote_dp_size_local: ranks,
      tp_size: 1,
      transfer_id: transferId,
    });
  }

  #read(
    params: JsonObject,
    { id, tokens }: { readonly id: string; readonly tokens: number },
  ): KvTransfer | undefined {
    if (params.get("remote_block_ids") === undefined || !params.has("remote_engine_id")) {
      this.unread += 1;
      return undefined;
    }
    blockGroups(params.get("remote_block_ids"));
    requireKeys(params, ["transfer_id"]);
    const peer = peerOf(params, { id, isProducer: false });
    const from = engines.get(`${peer.host}:${peer.handshakePort}`);
    const isThere = from?.hasRanks(peer.dataRanks) === true && from.give(peer.rank, transferOf(params, id));
    this.counts[isThere ? "fetched" : "missing"] += 1;
    const fetchedTokens = isThere ? tokens - 1 : 0;
    this.counts.fetchedTokens += fetchedTokens;
    return {
      fetchedTokens,
      ...(isThere ? {} : { arrival: (settled) => settled(false) }),
      handOver: () => undefined,
    };
  }

  #awaitWrite(
    params: JsonObject,
    { id, tokens }: { readonly id: string; readonly tokens: number; readonly rank: number },
  ): KvTransfer {
    const peer = peerOf(params, { id, isProducer: false });
    const transferId = transferOf(params, id);
    const transfer = { fetchedTokens: 0, handOver: () => undefined };
    const isLeader = params.get("is_request_leader") ?? true;
    const arrival = (settled: (isThere: boolean) => void): void => {
      const settle = (isThere: boolean): void => {
        if (this.#isClosed) return;
        this.counts.fetched += 1;
        this.counts.fetchedTokens += tokens;
        transfer.fetchedTokens = tokens;
        settled(isThere);
      };
      const to = [...engines.values()].find(
        (side) => side.#engine.host === peer.host && side.#config.notifyPort === peer.notifyPort,
      );
      if (isLeader !== false) to?.allocated(peer.rank, transferId, { side: this, settle });
    };
    return Object.assign(transfer, { arrival });
  }

  /** The prompt is computed, and the decode engine has set blocks aside: they are written, and freed here. */
  #writeIfReady(rank: number, transferId: string): void {
    const { lease, peer, allocation } = this.#transferAt(rank, transferId);
    const { keepsBlocks } = this.#engine.faults;
    if (lease === undefined || peer === undefined || allocation === undefined || keepsBlocks) return;
    const to = engines.get(`${peer.host}:${peer.handshakePort}`);
    const isReached =
      to === allocation.side && to.hasRanks(peer.dataRanks) && to.#config.notifyPort === peer.notifyPort;
    lease.cancel();
    this.#transfers.delete(keyOf(rank, transferId));
    if (isReached) allocation.settle(true);
  }

  #diesNow(): boolean {
    if (this.#given === this.#engine.faults.dieAtFetch) {
      this.#engine.die();
      return true;
    }
    this.#given += 1;
    return false;
  }

  #transferAt(rank: number, transferId: string): Transfer {
    const key = keyOf(rank, transferId);
    const transfer = this.#transfers.get(key) ?? { lease: undefined, peer: undefined, allocation: undefined };
    this.#transfers.set(key, transfer);
    return transfer;
  }
}

function keyOf(rank: number, transferId: string): string {
  return `${rank} ${transferId}`;
}

function transferOf(params: JsonObject, requestId: string): string {
  const id = params.get("transfer_id");
  return typeof id === "string" && id !== "" ? id : `sidecar-${requestId}`;
}
