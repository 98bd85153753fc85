import { EngineError } from "../engine-error.ts";
import { type KvChange, mediumOf } from "./kv-batch.ts";
import { MsgpackReader } from "./msgpack-reader.ts";

/** What a ZMQ message of vLLM's event publisher holds, beside its number. */
export interface KvPayload {
  readonly timestamp: number;
  readonly events: readonly KvChange[];
  readonly rank: number | undefined;
}

/** Fields of an event, as far as they matter. */
interface Fields {
  type: string;
  hashes: Int32Array;
  parent: Int32Array | undefined;
  tokenIds: Int32Array;
  medium: string | null;
  locality: string | null;
  loraName: string | undefined;
  extraKeys: (readonly string[] | null)[] | undefined;
  group: number | undefined;
  groupKind: string | undefined;
}

/** Order of the fields where events are arrays (vLLM before 0.23), after the class name. */
const POSITIONS: Readonly<Record<string, readonly string[]>> = {
  BlockStored: [
    "block_hashes",
    "parent_block_hash",
    "token_ids",
    "block_size",
    "lora_id",
    "medium",
    "lora_name",
    "extra_keys",
    "group_idx",
    "kv_cache_spec_kind",
    "kv_cache_spec_sliding_window",
    "locality",
  ],
  BlockRemoved: ["block_hashes", "medium", "group_idx", "locality"],
  AllBlocksCleared: [],
};

const NO_TOKENS = new Int32Array(0);
const NO_HASHES = new Int32Array(0);

/**
 * Decodes the payload of an event message: an array of time, events and rank; events are maps with a `type` (vLLM since
 * 0.23) or arrays that begin with it. Unknown kinds of events and fields are passed over. Throws an EngineError `protocol`.
 */
export function decodeKvPayload(payload: Uint8Array): KvPayload {
  const reader = new MsgpackReader(payload);
  const length = reader.arrayLength();
  if (length < 2) {
    throw new EngineError("protocol", "a batch of KV events has no events");
  }
  const timestamp = reader.number();
  const events: KvChange[] = [];
  for (let left = reader.arrayLength(); left > 0; left -= 1) {
    const event = eventFrom(readFields(reader));
    if (event !== undefined) {
      events.push(event);
    }
  }
  const rank = length > 2 && !reader.takeNil() ? reader.number() : undefined;
  return { timestamp, events, rank };
}

function readFields(reader: MsgpackReader): Fields {
  const fields: Fields = {
    type: "",
    hashes: NO_HASHES,
    parent: undefined,
    tokenIds: NO_TOKENS,
    medium: null,
    locality: null,
    loraName: undefined,
    extraKeys: undefined,
    group: undefined,
    groupKind: undefined,
  };
  if (reader.peekKind() === "map") {
    for (let left = reader.mapLength(); left > 0; left -= 1) {
      readField(reader, reader.text(), fields);
    }
    return fields;
  }
  const length = reader.arrayLength();
  fields.type = reader.text();
  const names = POSITIONS[fields.type] ?? [];
  for (let index = 1; index < length; index += 1) {
    readField(reader, names[index - 1] ?? "", fields);
  }
  return fields;
}

function readField(reader: MsgpackReader, name: string, fields: Fields): void {
  if (reader.takeNil()) {
    return;
  }
  switch (name) {
    case "type":
      fields.type = reader.text();
      return;
    case "block_hashes":
      fields.hashes = readHashes(reader);
      return;
    case "parent_block_hash":
      fields.parent = new Int32Array(2);
      reader.hash(fields.parent, 0);
      return;
    case "token_ids":
      fields.tokenIds = reader.integers();
      return;
    case "medium":
      fields.medium = reader.text();
      return;
    case "locality":
      fields.locality = reader.text();
      return;
    case "lora_name":
      fields.loraName = reader.text();
      return;
    case "extra_keys":
      fields.extraKeys = readExtraKeys(reader);
      return;
    case "group_idx":
      fields.group = reader.number();
      return;
    case "kv_cache_spec_kind":
      fields.groupKind = reader.text();
      return;
    default:
      reader.skip();
  }
}

function readHashes(reader: MsgpackReader): Int32Array {
  const length = reader.arrayLength();
  const words = new Int32Array(2 * length);
  for (let index = 0; index < length; index += 1) {
    reader.hash(words, 2 * index);
  }
  return words;
}

function readExtraKeys(reader: MsgpackReader): (readonly string[] | null)[] | undefined {
  let isEmpty = true;
  const blocks: (readonly string[] | null)[] = [];
  for (let left = reader.arrayLength(); left > 0; left -= 1) {
    if (reader.takeNil()) {
      blocks.push(null);
      continue;
    }
    isEmpty = false;
    blocks.push(Array.from({ length: reader.arrayLength() }, () => readExtraKey(reader)));
  }
  return isEmpty ? undefined : blocks;
}

/** Text stays as it is; everything else becomes text that begins with a NUL, which no name or salt does. */
function readExtraKey(reader: MsgpackReader): string {
  switch (reader.peekKind()) {
    case "text":
      return reader.text();
    case "binary":
      return `\0${reader.binary().toString("hex")}`;
    case "array":
      return `\0${Array.from({ length: reader.arrayLength() }, () => readExtraKey(reader)).join("\0")}`;
    case "number":
      return `\0${reader.number()}`;
    case "nil":
    case "map":
    case "other":
      reader.skip();
      return "\0";
  }
}

function eventFrom(fields: Fields): KvChange | undefined {
  const medium = mediumOf(fields.medium, fields.locality);
  const { hashes, group } = fields;
  switch (fields.type) {
    case "BlockStored":
      return {
        kind: "stored",
        hashes,
        parent: fields.parent,
        tokenIds: fields.tokenIds,
        medium,
        loraName: fields.loraName,
        cacheSalt: undefined,
        extraKeys: fields.extraKeys,
        group,
        groupKind: fields.groupKind,
      };
    case "BlockRemoved":
      return { kind: "removed", hashes, medium, group };
    case "AllBlocksCleared":
      return { kind: "cleared" };
    default:
      return undefined;
  }
}
