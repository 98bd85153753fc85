import { describe, expect, it } from "vitest";
import { kvEventSourcesFromJson } from "./kv-event-source.ts";

/** What vLLM 0.32 on the CPU answered to GET /kv_event_sources. */
const RECORDED = {
  "0": {
    enable_kv_cache_events: true,
    publisher: "zmq",
    endpoint: "tcp://*:24810",
    replay_endpoint: "tcp://*:24811",
    buffer_steps: 10000,
    hwm: 100000,
    max_queue_size: 100000,
    topic: "",
  },
};

describe("kvEventSourcesFromJson()", () => {
  it("reads what vLLM answers", () => {
    expect(kvEventSourcesFromJson(RECORDED)).toEqual([
      {
        transport: "zmq",
        endpoint: "tcp://*:24810",
        topic: "",
        replayEndpoint: "tcp://*:24811",
        rank: 0,
        encoding: "msgpack",
        schemaVersion: 1,
        replayBatches: 10_000,
      },
    ]);
    expect(kvEventSourcesFromJson({})).toEqual([]);
  });

  it("keeps the ranks apart, does without a replay, and leaves out what is no source", () => {
    const without = { ...RECORDED["0"], replay_endpoint: null };
    expect(
      kvEventSourcesFromJson({
        "3": without,
        x: without,
        "-1": without,
        "4": null,
        "5": { endpoint: 1 },
      }).map(({ rank, replayEndpoint }) => [rank, replayEndpoint]),
    ).toEqual([[3, ""]]);
    for (const nothing of [null, [], "x", 3]) expect(kvEventSourcesFromJson(nothing)).toEqual([]);
  });
});
