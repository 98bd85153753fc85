import type { RouterConfig } from "@vllm-router/config";
import type { EngineConnection } from "@vllm-router/engine-client";
import type { ConnectedWorker, ProbeVerdict, WorkerConnector } from "../fleet/worker-connector.ts";
import type { MoriioAddress } from "./moriio-address.ts";

/** What an engine has announced of itself, by its URL; undefined for one that has not. */
export type AnnouncedAddress = (url: string) => MoriioAddress | undefined;

/**
 * Knows where the MoRI-IO connector of every worker is found: where the engine has announced it, else at the configured
 * ports of its host. A worker that announces another place than before is registered anew.
 */
class MoriioConnector implements WorkerConnector {
  readonly #inner: WorkerConnector;
  readonly #addressOf: (url: string) => MoriioAddress;
  readonly #urls = new WeakMap<EngineConnection, string>();

  constructor(inner: WorkerConnector, addressOf: (url: string) => MoriioAddress) {
    this.#inner = inner;
    this.#addressOf = addressOf;
  }

  async connect(url: string, signal: AbortSignal): Promise<ConnectedWorker> {
    const { connection, facts } = await this.#inner.connect(url, signal);
    this.#urls.set(connection, url);
    const moriio = this.#addressOf(url);
    const engineIds = facts.kvIdentity?.engineIds ?? new Map<number, string>();
    // An HTTP worker does not say how many ranks it has, its connector does.
    const ranks = connection.dialect === "http" ? (moriio.dataRanks ?? facts.ranks) : facts.ranks;
    return { connection, facts: { ...facts, ranks, kvIdentity: { engineIds, moriio } } };
  }

  async probe(worker: ConnectedWorker, signal: AbortSignal): Promise<ProbeVerdict> {
    const verdict = await this.#inner.probe(worker, signal);
    const url = this.#urls.get(worker.connection);
    const known = worker.facts.kvIdentity?.moriio;
    const isThere = url === undefined || known === undefined || isSameAddress(known, this.#addressOf(url));
    return isThere ? verdict : "replaced";
  }
}

/** What reaches workers where `--kv-connector moriio` wants to know where their connectors are. */
export function withMoriio(
  { disaggregation }: RouterConfig,
  inner: WorkerConnector,
  announced: AnnouncedAddress,
): WorkerConnector {
  const { enabled, connector, moriioHandshakePort, moriioNotifyPort } = disaggregation;
  if (!enabled || connector !== "moriio") {
    return inner;
  }
  return new MoriioConnector(
    inner,
    (url) =>
      announced(url) ?? {
        host: new URL(url).hostname.replace(/^\[|\]$/g, ""),
        handshakePort: moriioHandshakePort,
        notifyPort: moriioNotifyPort,
        tensorRanks: undefined,
        dataRanks: undefined,
      },
  );
}

function isSameAddress(left: MoriioAddress, right: MoriioAddress): boolean {
  return (
    left.host === right.host &&
    left.handshakePort === right.handshakePort &&
    left.notifyPort === right.notifyPort &&
    left.tensorRanks === right.tensorRanks &&
    left.dataRanks === right.dataRanks
  );
}
