import type { KvEventSource } from "@vllm-router/engine-client";
import type { ZmqKvAddress } from "./zmq-kv-source.ts";

/** Where a worker's events come from by its own word, one address per rank; or why they cannot be heard there. */
export type NamedKvAddresses =
  | { readonly kind: "found"; readonly addresses: readonly ZmqKvAddress[] }
  | { readonly kind: "none" }
  | { readonly kind: "unusable"; readonly reason: string };

/**
 * Makes addresses that this machine can dial out of what an engine says it was told to bind: `tcp://*:5557` and its like are
 * on the worker's own host. The sources are those of the ranks behind this worker's URL, in order: an engine behind an
 * external balancer serves one rank of several, whatever its number.
 */
export function namedKvAddresses(
  sources: readonly KvEventSource[],
  worker: { readonly url: string; readonly ranks: number; readonly topic: string },
): NamedKvAddresses {
  if (sources.length === 0) {
    return { kind: "none" };
  }
  const host = URL.parse(worker.url)?.hostname ?? "";
  const ordered = sources.toSorted((one, other) => one.rank - other.rank);
  if (ordered.length !== worker.ranks) {
    return {
      kind: "unusable",
      reason: `the engine publishes for ${ordered.length} data-parallel ranks, and ${worker.ranks} ${worker.ranks === 1 ? "is" : "are"} routed to`,
    };
  }
  const addresses: ZmqKvAddress[] = [];
  for (const source of ordered) {
    const endpoint = dialable(source.endpoint, host);
    if (!["zmq", ""].includes(source.transport) || !["msgpack", ""].includes(source.encoding)) {
      return {
        kind: "unusable",
        reason: `events by ${source.transport} in ${source.encoding} are not known`,
      };
    }
    if (endpoint === undefined) {
      return {
        kind: "unusable",
        reason: `${source.endpoint} of rank ${source.rank} cannot be dialled from here`,
      };
    }
    // Without a replay that can be reached, events are heard all the same.
    const replayEndpoint = source.replayEndpoint === "" ? undefined : dialable(source.replayEndpoint, host);
    addresses.push({
      endpoint,
      replayEndpoint,
      topic: source.topic.startsWith(worker.topic) ? source.topic : worker.topic,
    });
  }
  return { kind: "found", addresses };
}

const WILDCARD = /^tcp:\/\/(?:\*|0\.0\.0\.0|\[?::\]?):(\d+)$/;
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

function dialable(endpoint: string, host: string): string | undefined {
  const port = WILDCARD.exec(endpoint)?.[1];
  if (port !== undefined) {
    return `tcp://${host}:${port}`;
  }
  const named = /^tcp:\/\/(.+):\d+$/.exec(endpoint)?.[1];
  if (named === undefined) {
    // A path is one of the engine's own machine.
    return endpoint.startsWith("ipc://") && LOOPBACK.test(host) ? endpoint : undefined;
  }
  // The loopback of another machine is not ours.
  return LOOPBACK.test(named) && !LOOPBACK.test(host) ? undefined : endpoint;
}
