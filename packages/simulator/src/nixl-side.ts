import { isJsonObject, type JsonValue, parseJson } from "@vllm-router/api";
import type { GenerateRequest } from "@vllm-router/proto/messages";
import type { Clock, Timer } from "./clock.ts";
import type { Faults } from "./faults.ts";
import type { KvConnectorSide, KvTransfer, KvTransferCounts } from "./kv-connector-side.ts";

/** How long blocks are held for another engine; vLLM's `kv_lease_duration`. */
const LEASE_MS = 30_000;
/** Engines of this program by their ids: blocks travel between them alone. */
const engines = new Map<string, NixlSide>();
let lives = 0;

/**
 * The NixlConnector of a simulated engine, in pull mode, after vLLM 0.32: an engine that is asked for a remote decode
 * holds the prompt's blocks and says where they are; one that is asked for a remote prefill fetches them once.
 */
export class NixlSide implements KvConnectorSide {
  readonly name = "NixlConnector";
  readonly counts: KvTransferCounts = { handedOver: 0, fetched: 0, missing: 0, fetchedTokens: 0, expired: 0 };
  /** Another one for every life of an engine. */
  readonly engineId: string;
  readonly #clock: Clock;
  readonly #engine: { readonly host: string; readonly port: number; readonly faults: Faults };
  readonly #held = new Map<string, Timer>();
  readonly #isRecomputing: boolean;
  readonly #die: () => void;
  #given = 0;

  constructor(
    clock: Clock,
    engine: { readonly host: string; readonly port: number; readonly faults: Faults },
    options: { readonly policy: "fail" | "recompute" | undefined; readonly die: () => void },
  ) {
    lives += 1;
    this.engineId = `simulated-${lives}`;
    this.#clock = clock;
    this.#engine = engine;
    this.#isRecomputing = options.policy === "recompute";
    this.#die = options.die;
    engines.set(this.engineId, this);
  }

  /** Prompts whose blocks are held now. */
  get heldPrompts(): number {
    return this.#held.size;
  }

  /** Takes a request; undefined for one that moves nothing. */
  take(
    request: GenerateRequest,
    { tokens: promptTokens }: { readonly tokens: number },
  ): KvTransfer | undefined {
    const params =
      request.kvTransferParamsJson === undefined ? undefined : parseJson(request.kvTransferParamsJson);
    if (!isJsonObject(params)) {
      return undefined;
    }
    if (params.get("do_remote_prefill") === true) {
      const from = engines.get(textOf(params.get("remote_engine_id")));
      const isThere = from?.give(textOf(params.get("remote_request_id"))) === true;
      const fetchedTokens = isThere ? promptTokens : 0;
      this.counts[isThere ? "fetched" : "missing"] += 1;
      this.counts.fetchedTokens += fetchedTokens;
      const hasFailed = !isThere && !this.#isRecomputing;
      return {
        fetchedTokens,
        ...(hasFailed ? { arrival: (settled) => settled(false) } : {}),
        handOver: () => undefined,
      };
    }
    if (params.get("do_remote_decode") !== true) {
      return undefined;
    }
    return {
      fetchedTokens: 0,
      handOver: (finish) => (finish === "length" ? this.#hold(request.requestId, promptTokens) : undefined),
    };
  }

  /** Another engine fetches a prompt's blocks. Returns false when they are not here. */
  give(requestId: string): boolean {
    const lease = this.#held.get(requestId);
    if (lease === undefined) {
      return false;
    }
    if (this.#given === this.#engine.faults.dieAtFetch) {
      this.#die();
      return false;
    }
    this.#given += 1;
    lease.cancel();
    return this.#held.delete(requestId);
  }

  /** The engine's life is over. */
  [Symbol.dispose](): void {
    engines.delete(this.engineId);
    for (const lease of this.#held.values()) {
      lease.cancel();
    }
    this.#held.clear();
  }

  #hold(requestId: string, promptTokens: number): string {
    this.counts.handedOver += 1;
    const lease = this.#clock.after(LEASE_MS, () => {
      this.counts.expired += 1;
      this.#held.delete(requestId);
    });
    this.#held.set(requestId, lease);
    const { host, port } = this.#engine;
    return JSON.stringify({
      do_remote_prefill: true,
      do_remote_decode: false,
      remote_block_ids: [[1]],
      remote_engine_id: this.engineId,
      remote_request_id: requestId,
      remote_host: host,
      remote_port: port,
      tp_size: 1,
      remote_num_tokens: promptTokens,
      transfer_mode: "pull",
    });
  }
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
