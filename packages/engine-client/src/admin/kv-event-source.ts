/** Where one rank of an engine publishes what happens in its KV cache. */
export interface KvEventSource {
  /** `zmq`. */
  readonly transport: string;
  /** As the engine was told to bind: a `*` or `0.0.0.0` in it is the engine's own host. */
  readonly endpoint: string;
  /** Prefix of the messages to subscribe to; empty for all. */
  readonly topic: string;
  /** Where missed messages are asked for; empty for nowhere. */
  readonly replayEndpoint: string;
  readonly rank: number;
  /** `msgpack`. */
  readonly encoding: string;
  readonly schemaVersion: number;
  /** Batches kept for replay. */
  readonly replayBatches: number;
}

/**
 * Reads vLLM's `GET /kv_event_sources`: an object whose keys are ranks and whose values are their publishers' settings as
 * they came out at start-up, ports of the ranks included; `{}` where nothing is published. Entries that are none are left out.
 */
export function kvEventSourcesFromJson(body: unknown): readonly KvEventSource[] {
  if (!isRecord(body)) return [];
  return Object.entries(body).flatMap(([key, value]) => {
    const rank = Number(key);
    const endpoint = isRecord(value) ? value["endpoint"] : undefined;
    if (!Number.isInteger(rank) || rank < 0 || !isRecord(value) || typeof endpoint !== "string") return [];
    const { publisher, topic, replay_endpoint: replayEndpoint, buffer_steps: bufferSteps } = value;
    return [
      {
        transport: typeof publisher === "string" ? publisher : "",
        endpoint,
        topic: typeof topic === "string" ? topic : "",
        replayEndpoint: typeof replayEndpoint === "string" ? replayEndpoint : "",
        rank,
        encoding: "msgpack",
        schemaVersion: 1,
        replayBatches: typeof bufferSteps === "number" ? bufferSteps : 0,
      },
    ];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
