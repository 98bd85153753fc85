import type { KvEvent } from "./kv-events.ts";

/** How event messages are written: as maps since vLLM 0.23, as arrays before. */
export type KvEventEncoding = "map" | "array";

/** One batch of a publisher. */
export interface KvEventMessage {
  readonly timestampSeconds: number;
  readonly rank: number;
  readonly events: readonly KvEvent[];
  readonly blockSize: number;
}

/** What msgpack is made of here. */
export type Packable = null | string | bigint | number | readonly Packable[] | ReadonlyMap<string, Packable>;

/** A batch in msgpack, with the fields that vLLM sends and hashes as its unsigned integers. */
export function encodeKvEvents(message: KvEventMessage, encoding: KvEventEncoding): Buffer {
  const pieces: Buffer[] = [];
  pieces.push(Buffer.from([0x93]), float(message.timestampSeconds));
  pack(
    message.events.map((event) => {
      const fields = fieldsOf(event, message.blockSize);
      return encoding === "map" ? fields : [...fields.values()];
    }),
    pieces,
  );
  pack(message.rank, pieces);
  return Buffer.concat(pieces);
}

/** A value in msgpack. */
export function encodeMsgpack(value: Packable): Buffer {
  const pieces: Buffer[] = [];
  pack(value, pieces);
  return Buffer.concat(pieces);
}

function fieldsOf(event: KvEvent, blockSize: number): ReadonlyMap<string, Packable> {
  switch (event.kind) {
    case "stored":
      return new Map<string, Packable>([
        ["type", "BlockStored"],
        ["block_hashes", event.hashes.map(unsigned)],
        ["parent_block_hash", event.parent === undefined ? null : unsigned(event.parent)],
        ["token_ids", event.tokenIds],
        ["block_size", blockSize],
        ["lora_id", null],
        ["medium", "GPU"],
        ["lora_name", null],
        ["extra_keys", event.hashes.map(() => null)],
        ["group_idx", 0],
        ["kv_cache_spec_kind", "full_attention"],
      ]);
    case "removed":
      return new Map<string, Packable>([
        ["type", "BlockRemoved"],
        ["block_hashes", event.hashes.map(unsigned)],
        ["medium", "GPU"],
        ["group_idx", 0],
      ]);
    case "cleared":
      return new Map([["type", "AllBlocksCleared"]]);
  }
}

function unsigned(hash: bigint): bigint {
  return BigInt.asUintN(64, hash);
}

function pack(value: Packable, pieces: Buffer[]): void {
  if (value === null) pieces.push(Buffer.from([0xc0]));
  else if (typeof value === "string") {
    const text = Buffer.from(value, "utf8");
    pieces.push(sized(0xd9, 1, text.length), text);
  } else if (typeof value === "bigint") {
    const bytes = Buffer.alloc(9);
    bytes[0] = 0xcf;
    bytes.writeBigUInt64BE(value, 1);
    pieces.push(bytes);
  } else if (typeof value === "number") {
    pieces.push(value < 0x80 ? Buffer.from([value]) : sized(0xce, 4, value));
  } else if (value instanceof Map) {
    pieces.push(sized(0xde, 2, value.size));
    for (const [name, each] of value as ReadonlyMap<string, Packable>) {
      pack(name, pieces);
      pack(each, pieces);
    }
  } else {
    const array = value as readonly Packable[];
    pieces.push(sized(0xdd, 4, array.length));
    for (const each of array) pack(each, pieces);
  }
}

function sized(tag: number, bytes: number, value: number): Buffer {
  const buffer = Buffer.alloc(1 + bytes);
  buffer[0] = tag;
  buffer.writeUIntBE(value, 1, bytes);
  return buffer;
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xcb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}
