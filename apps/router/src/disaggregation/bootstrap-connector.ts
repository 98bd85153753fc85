import type { RouterConfig } from "@vllm-router/config";
import { EngineError } from "@vllm-router/engine-client";
import type { ConnectedWorker, ProbeVerdict, WorkerConnector } from "../fleet/worker-connector.ts";
import type { WorkerRole } from "@vllm-router/routing-core";
import { bootstrapAddresses, defaultBootstrapAddress } from "./bootstrap-addresses.ts";
import { askBootstrap, enginesOfWorker } from "./bootstrap-engines.ts";

/**
 * Reaches prefill workers that have a bootstrap server: a worker counts as connected once the server knows its ranks,
 * and every health probe asks again, so that an engine which comes back under another id is registered anew. No request
 * ever waits for a bootstrap server.
 */
class BootstrapConnector implements WorkerConnector {
  readonly #inner: WorkerConnector;
  readonly #addressOf: (url: string) => string | undefined;
  readonly #timeoutMs: number;

  /** @param options `addressOf` the bootstrap server of a worker; `timeoutMs` of one question */
  constructor(
    inner: WorkerConnector,
    options: {
      readonly addressOf: (url: string) => string | undefined;
      readonly timeoutMs: number;
    },
  ) {
    this.#inner = inner;
    this.#addressOf = options.addressOf;
    this.#timeoutMs = options.timeoutMs;
  }

  async connect(url: string, signal: AbortSignal): Promise<ConnectedWorker> {
    const connected = await this.#inner.connect(url, signal);
    const address = this.#addressOf(url);
    if (address === undefined) {
      return connected;
    }
    try {
      const { connection, facts } = connected;
      const engineIds = await this.#ask(address, connected, signal);
      const kvIdentity = {
        engineIds: facts.kvIdentity?.engineIds ?? new Map<number, string>(),
        bootstrap: { address, engineIds },
      };
      return { connection, facts: { ...facts, kvIdentity } };
    } catch (error) {
      await connected.connection.close();
      throw error;
    }
  }

  async probe(worker: ConnectedWorker, signal: AbortSignal): Promise<ProbeVerdict> {
    const verdict = await this.#inner.probe(worker, signal);
    const bootstrap = worker.facts.kvIdentity?.bootstrap;
    if (bootstrap === undefined || verdict === "not-serving" || verdict === "replaced") {
      return verdict;
    }
    const now = await this.#ask(bootstrap.address, worker, signal);
    const isSame = [...bootstrap.engineIds].every(([rank, id]) => now.get(rank) === id);
    return isSame ? verdict : "replaced";
  }

  async #ask(
    address: string,
    { facts }: ConnectedWorker,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<number, string>> {
    const listed = await askBootstrap(address, { signal, timeoutMs: this.#timeoutMs });
    const engineId = facts.kvIdentity?.engineIds.get(0);
    if (listed.size === 0) {
      throw new EngineError("unavailable", `no engine has registered at the bootstrap server ${address}`);
    }
    return enginesOfWorker(listed, { ranks: facts.ranks, engineId });
  }
}

/**
 * What reaches workers where `--kv-connector` wants more of them than they say themselves. A prefill worker that is added
 * at runtime has its bootstrap server at vLLM's default port.
 */
export function withBootstrap(
  { disaggregation, health }: RouterConfig,
  inner: WorkerConnector,
  roleOf: (url: string) => WorkerRole | undefined,
): WorkerConnector {
  const configured = bootstrapAddresses(disaggregation.prefill);
  return disaggregation.enabled && disaggregation.connector === "mooncake"
    ? new BootstrapConnector(inner, {
        addressOf: (url) =>
          configured.get(url) ?? (roleOf(url) === "prefill" ? defaultBootstrapAddress(url) : undefined),
        timeoutMs: health.checkTimeoutSecs * 1000,
      })
    : inner;
}
