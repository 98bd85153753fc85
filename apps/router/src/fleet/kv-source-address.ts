import type { KvEventSource } from "@vllm-router/engine-client";
import { ofRank } from "./kv-event-settings.ts";
import type { ZmqKvAddress } from "./zmq-kv-source.ts";

/** Where a worker's events come from by its own word, one address per rank; or why they cannot be heard there. */
export type NamedKvAddresses =
  | { readonly kind: "found"; readonly addresses: readonly ZmqKvAddress[] }
  | { readonly kind: "none" }
  | { readonly kind: "unusable"; readonly reason: string };

/** Whose sources they are. */
export interface AskedWorker {
  readonly url: string;
  readonly ranks: number;
  /** Beginning of the topics that are listened to. */
  readonly topic: string;
  /** Where publishers that dial out are waited for; undefined for nowhere. */
  readonly bind?: string | undefined;
}

/**
 * Makes addresses that this machine can dial out of what an engine says it was told to bind: `tcp://*:5557` and its like are
 * on the worker's own host. The sources are those of the ranks behind this worker's URL, in order: an engine behind an
 * external balancer serves one rank of several, whatever its number.
 */
export function namedKvAddresses(sources: readonly KvEventSource[], worker: AskedWorker): NamedKvAddresses {
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
    const meeting = meetingOf(source, worker.bind);
    if (meeting !== undefined && source.topic === "") {
      return {
        kind: "unusable",
        reason: `rank ${source.rank} dials ${source.endpoint} without a topic that tells it from other engines: give each one a topic of its own in --kv-events-config`,
      };
    }
    const endpoint = meeting ?? dialable(source.endpoint, host);
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
      ...(meeting === undefined ? {} : { dials: true }),
    });
  }
  return { kind: "found", addresses };
}

/**
 * Where a publisher is waited for that dials: vLLM's has no wildcard in its endpoint then, and the port of this router, with
 * that of further ranks behind it. Undefined for one that binds.
 */
function meetingOf(source: KvEventSource, bind: string | undefined): string | undefined {
  if (bind === undefined || !source.endpoint.startsWith("tcp://") || /\*|::/.test(source.endpoint)) {
    return undefined;
  }
  const meeting = ofRank(bind, source.rank);
  return portOf(meeting) === portOf(source.endpoint) ? meeting : undefined;
}

function portOf(endpoint: string): string {
  return endpoint.slice(endpoint.lastIndexOf(":") + 1);
}

/**
 * Where the publishers of an engine are waited for that cannot say where it publishes: under the topics `kv@host:port@…`, as llm-d
 * has them configured.
 */
export function assumedKvAddresses({ url, ranks, bind }: AskedWorker): readonly ZmqKvAddress[] {
  if (bind === undefined) {
    return [];
  }
  const topic = `kv@${URL.parse(url)?.host ?? ""}@`;
  return Array.from({ length: ranks }, (_, rank) => ({
    endpoint: ofRank(bind, rank),
    replayEndpoint: undefined,
    topic,
    dials: true,
  }));
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
