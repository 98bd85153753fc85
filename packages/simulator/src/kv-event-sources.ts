import type { KvEventAddress, KvEventsConfig } from "./zmq-kv-publisher.ts";

/** A rank's publisher, as the engine names it to whoever asks. */
export interface NamedKvEventSource {
  readonly rank: number;
  readonly endpoint: string;
  readonly replayEndpoint: string | undefined;
  readonly topic: string;
  readonly bufferSteps: number;
}

/** What the engine names of its publishers: `GetKvEventSources` and `GET /kv_event_sources`. */
export function namedKvEventSources(
  addresses: readonly KvEventAddress[],
  config: KvEventsConfig | undefined,
): readonly NamedKvEventSource[] {
  const named = (address: string): string =>
    config?.namesWildcards === true ? address.replace(/^tcp:\/\/.*:(\d+)$/, "tcp://*:$1") : address;
  return addresses.map(({ rank, endpoint, replayEndpoint }) => ({
    rank,
    endpoint: config?.dials === true ? endpoint : named(endpoint),
    replayEndpoint: replayEndpoint === undefined ? undefined : named(replayEndpoint),
    topic: config?.topic ?? "",
    bufferSteps: config?.bufferSteps ?? 10_000,
  }));
}

/** vLLM 0.32's answer to `GET /kv_event_sources`. */
export function kvEventSourcesBody(
  sources: readonly NamedKvEventSource[],
): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  return Object.fromEntries(
    sources.map((source) => [
      String(source.rank),
      {
        enable_kv_cache_events: true,
        publisher: "zmq",
        endpoint: source.endpoint,
        replay_endpoint: source.replayEndpoint ?? null,
        buffer_steps: source.bufferSteps,
        hwm: 100_000,
        max_queue_size: 100_000,
        topic: source.topic,
      },
    ]),
  );
}
