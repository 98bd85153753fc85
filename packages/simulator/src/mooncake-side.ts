import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "@vllm-router/api";
import type { GenerateRequest } from "@vllm-router/proto/messages";
import type { Clock, Timer } from "./clock.ts";
import type { Faults } from "./faults.ts";
import type { KvConnectorSide, KvTransfer, KvTransferCounts } from "./kv-connector-side.ts";

/** A decode engine that waits for a transfer. */
interface Waiter {
  readonly side: MooncakeSide;
  readonly settle: (isThere: boolean) => void;
}

/** A transfer at its prefill engine, whichever leg came first. */
interface Transfer {
  /** The decode legs that came. */
  readonly waiters: Waiter[];
  /** Runs once the prompt is computed and its blocks are held. */
  lease: Timer | undefined;
}

/** How long a computed prompt is held, and waited for; vLLM's VLLM_MOONCAKE_ABORT_REQUEST_TIMEOUT. */
const ABORT_TIMEOUT_MS = 480_000;
/** How much longer a decode engine waits for an answer of a prefill engine. */
const ANSWER_TIMEOUT_MS = ABORT_TIMEOUT_MS + 60_000;
/** Living prefill engines of this program by their ids, one a rank: blocks travel between them alone. */
const engines = new Map<string, MooncakeSide>();
let lives = 0;

/**
 * The MooncakeConnector of a simulated engine, after vLLM 0.32: legs meet by their transfer id at the prefill engine,
 * in any order. The decode engine looks the engine id up at the bootstrap server; one it does not find there, and a
 * transfer that does not come in time, ends the generation with an error (`kv_load_failure_policy` is `fail`).
 */
export class MooncakeSide implements KvConnectorSide {
  readonly name = "MooncakeConnector";
  readonly counts: KvTransferCounts = { handedOver: 0, fetched: 0, missing: 0, fetchedTokens: 0, expired: 0 };
  readonly engineId: string;
  /** As the bootstrap server lists them, by data-parallel rank. */
  readonly rankIds: readonly string[];
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #transfers = new Map<string, Transfer>();
  /** Engines looked up before: vLLM asks for none a second time. */
  readonly #known = new Set<string>();
  readonly #timers = new Set<Timer>();
  #isClosed = false;

  constructor(clock: Clock, ranks: number, faults: Faults) {
    lives += 1;
    this.engineId = `simulated-mooncake-${lives}`;
    this.rankIds = Array.from({ length: ranks }, (_, rank) =>
      ranks === 1 ? this.engineId : `${this.engineId}_dp${rank}`,
    );
    this.#clock = clock;
    this.#faults = faults;
    for (const id of this.rankIds) engines.set(id, this);
  }

  get heldPrompts(): number {
    return [...this.#transfers.values()].filter(({ lease }) => lease !== undefined).length;
  }

  take(
    request: GenerateRequest,
    prompt: { readonly tokens: number; readonly rank: number },
  ): KvTransfer | undefined {
    const json = request.kvTransferParamsJson;
    const params = json === undefined ? undefined : parseJson(json);
    if (!isJsonObject(params)) return undefined;
    if (params.get("do_remote_prefill") === true) return this.#receive(params, prompt.tokens);
    const transferId = textOf(params.get("transfer_id"));
    if (params.get("do_remote_decode") !== true || transferId === "") return undefined;
    const key = keyOf(this.rankIds[prompt.rank] ?? "", transferId);
    this.#transferAt(key);
    return {
      fetchedTokens: 0,
      handOver: (finish) => {
        if (finish === "length") this.#hold(key);
        else this.#transfers.delete(key);
        return undefined;
      },
      abandoned: () => {
        if (this.#transfers.get(key)?.lease === undefined) this.#transfers.delete(key);
      },
    };
  }

  /** A decode engine asks one of the ranks for a transfer. */
  ask(engineId: string, transferId: string, waiter: Waiter): void {
    const key = keyOf(engineId, transferId);
    this.#transferAt(key).waiters.push(waiter);
    this.#giveIfReady(key);
  }

  /** The engine's life is over. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const id of this.rankIds) engines.delete(id);
    for (const timer of this.#timers) timer.cancel();
    for (const { lease } of this.#transfers.values()) lease?.cancel();
    this.#timers.clear();
    this.#transfers.clear();
  }

  #receive(params: JsonObject, tokens: number): KvTransfer {
    const engineId = textOf(params.get("remote_engine_id"));
    const address = textOf(params.get("remote_bootstrap_addr"));
    const transferId = textOf(params.get("transfer_id"));
    const transfer = { fetchedTokens: 0, handOver: () => undefined };
    const arrival = (settled: (isThere: boolean) => void): void => {
      // Without one of the three, vLLM asks nobody and waits for blocks all the same.
      if (engineId === "" || address === "" || transferId === "") return;
      const settle = this.#once((isThere) => {
        this.counts[isThere ? "fetched" : "missing"] += 1;
        this.counts.fetchedTokens += isThere ? tokens : 0;
        transfer.fetchedTokens = isThere ? tokens : 0;
        settled(isThere);
      });
      void this.#find(engineId, address).then((isFound) => {
        if (!isFound) settle(false);
        else engines.get(engineId)?.ask(engineId, transferId, { side: this, settle });
      });
    };
    return Object.assign(transfer, { arrival });
  }

  /** Settles at the first call or when the time is over; never after the engine's end. */
  #once(settled: (isThere: boolean) => void): (isThere: boolean) => void {
    let isOpen = true;
    const settle = (isThere: boolean): void => {
      if (!isOpen || this.#isClosed) return;
      isOpen = false;
      timer.cancel();
      this.#timers.delete(timer);
      settled(isThere);
    };
    const timer = this.#clock.after(ANSWER_TIMEOUT_MS, () => settle(false));
    this.#timers.add(timer);
    return settle;
  }

  async #find(engineId: string, address: string): Promise<boolean> {
    if (!this.#known.has(engineId)) {
      try {
        const answer = (await (await fetch(`${address}/query`)).json()) as Record<
          string,
          { engine_id: string }
        >;
        for (const { engine_id: listed } of Object.values(answer)) this.#known.add(listed);
      } catch {
        // Whoever does not answer lists nobody.
      }
    }
    return this.#known.has(engineId);
  }

  #transferAt(key: string): Transfer {
    const transfer = this.#transfers.get(key) ?? { waiters: [], lease: undefined };
    this.#transfers.set(key, transfer);
    return transfer;
  }

  #hold(key: string): void {
    this.counts.handedOver += 1;
    const lease = this.#clock.after(ABORT_TIMEOUT_MS, () => {
      this.counts.expired += 1;
      this.#transfers.delete(key);
    });
    this.#transferAt(key).lease = lease;
    this.#giveIfReady(key);
  }

  /** The first who asks and lives has the blocks, which frees them here. */
  #giveIfReady(key: string): void {
    const { lease, waiters } = this.#transferAt(key);
    const taker = waiters.find(({ side }) => !side.#isClosed);
    if (lease === undefined || taker === undefined || this.#faults.keepsBlocks) return;
    lease.cancel();
    this.#transfers.delete(key);
    taker.settle(true);
  }
}

function keyOf(engineId: string, transferId: string): string {
  return `${engineId} ${transferId}`;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
