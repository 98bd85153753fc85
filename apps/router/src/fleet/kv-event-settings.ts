import type { ZmqKvAddress } from "./zmq-kv-source.ts";

/** Where the fleet's KV events come from, as configured. */
export interface KvEventSettings {
  /** `WORKER_URL=ZMQ_ADDRESS` of rank 0. */
  readonly endpoints: readonly string[];
  /** The same for replays. */
  readonly replayEndpoints: readonly string[];
  /** Port of rank 0's publisher on every worker's host; undefined for none. */
  readonly port?: number | undefined;
  readonly replayPort?: number | undefined;
  /** `tcp://host:port` at which publishers that dial out are waited for; undefined for nowhere. */
  readonly bind?: string | undefined;
  /** Beginning of the topics that are listened to. */
  readonly topic: string;
}

/** Finds the ZMQ publishers of a worker, one address per rank; empty where none is configured. */
export type KvAddresses = (workerUrl: string, ranks: number) => readonly ZmqKvAddress[];

/** Reads the settings. */
export function kvAddresses(settings: KvEventSettings): KvAddresses {
  const endpoints = readEntries(settings.endpoints);
  const replays = readEntries(settings.replayEndpoints);
  const { port, replayPort, topic } = settings;
  return (workerUrl, ranks) => {
    const host = URL.parse(workerUrl)?.hostname ?? "";
    const endpoint = endpoints.get(workerUrl) ?? (port === undefined ? undefined : `tcp://${host}:${port}`);
    if (endpoint === undefined) {
      return [];
    }
    const replayEndpoint =
      replays.get(workerUrl) ?? (replayPort === undefined ? undefined : `tcp://${host}:${replayPort}`);
    return Array.from({ length: ranks }, (_, rank) => ({
      endpoint: ofRank(endpoint, rank),
      replayEndpoint: replayEndpoint === undefined ? undefined : ofRank(replayEndpoint, rank),
      topic,
    }));
  };
}

/** Their form has been checked with the configuration. */
function readEntries(entries: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    entries.map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

/** vLLM's publishers of further ranks have the ports that follow, where they bind and where they dial. */
export function ofRank(endpoint: string, rank: number): string {
  return endpoint.replace(
    /^(tcp:.*:)(\d+)$/,
    (_, head: string, port: string) => `${head}${Number(port) + rank}`,
  );
}
