import { describe, expect, it } from "vitest";
import type { KvBatch, KvStored } from "./kv-batch.ts";
import { packKvBatch, unpackKvBatch } from "./pack-kv-batch.ts";

const stored: KvStored = {
  kind: "stored",
  hashes: Int32Array.of(1, -2, 3, 4),
  parent: undefined,
  tokenIds: Int32Array.of(5, 6, 7, 8),
  medium: "device",
  loraName: undefined,
  cacheSalt: undefined,
  extraKeys: undefined,
  group: undefined,
  groupKind: undefined,
};

describe("packKvBatch()", () => {
  it("gives back every kind of event, with all it says", () => {
    const batch: KvBatch = {
      sequence: 2 ** 40,
      timestamp: 1_700_000_000.25,
      events: [
        stored,
        {
          ...stored,
          parent: Int32Array.of(9, -9),
          medium: "storage",
          loraName: "",
          cacheSalt: "salt",
          extraKeys: [["a", "\0b"], null],
          group: 0,
          groupKind: "full_attention",
        },
        { ...stored, tokenIds: new Int32Array(0), medium: "host" },
        { kind: "removed", hashes: Int32Array.of(1, -2), medium: "host", group: 3 },
        { kind: "cleared" },
        { kind: "removed", hashes: new Int32Array(0), medium: "device", group: undefined },
      ],
    };
    expect(unpackKvBatch(structuredClone(packKvBatch(batch)))).toEqual(batch);
  });

  it("packs nothing into nothing", () => {
    const empty = { sequence: 0, timestamp: 0, events: [] };
    expect(packKvBatch(empty).words).toHaveLength(0);
    expect(unpackKvBatch(packKvBatch(empty))).toEqual(empty);
  });
});
