/** Buffers larger than this are given back after use, so that one long prompt does not hold memory for ever. */
const RETAINED_BYTES = 1 << 20;

/** Bytes of three sizes and a tag at most. */
const MOST_SIZES = 20;
/** Bytes of an id of a prompt, mostly between two and three. */
const LIKELY_BYTES = 2;

/** Tags of the message with a prompt, and of the ids in it. */
export type PromptTags = readonly [message: number, ids: number];

/** Ids as they stand in a packed field. */
export interface PackedIds {
  readonly bytes: Uint8Array;
  /** How many ids they are. */
  readonly count: number;
}

const NO_IDS: PackedIds = { bytes: new Uint8Array(0), count: 0 };

/** Writes protobuf fields into one growing buffer that is used again for the next message. */
export class WireWriter {
  /** What was written is in `[0, position)`. */
  position = 0;
  #buffer: Buffer = Buffer.allocUnsafeSlow(4096);
  #view: DataView = viewOf(this.#buffer);

  /** Forgets what was written. */
  reset(): void {
    this.position = 0;
    if (this.#buffer.length > RETAINED_BYTES) this.#replace(Buffer.allocUnsafeSlow(4096));
  }

  /** A copy of what was written. */
  copy(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.position));
  }

  /** Leaves room for bytes that are written later by {@link WireWriter.uint32BigEndianAt}. */
  skip(sizeBytes: number): void {
    this.#reserve(sizeBytes);
    this.#buffer.fill(0, this.position, this.position + sizeBytes);
    this.position += sizeBytes;
  }

  /** Overwrites four bytes. */
  uint32BigEndianAt(offset: number, value: number): void {
    this.#buffer.writeUInt32BE(value, offset);
  }

  /** An unsigned 32-bit number as a varint, without a tag. */
  varint(value: number): void {
    this.#reserve(5);
    this.position = writeVarint(this.#buffer, this.position, value);
  }

  /** Numbers as a packed field; nothing when there are none. */
  packedUint32(tag: number, values: readonly number[]): void {
    const { length } = values;
    if (length === 0) return;
    let sizeBytes = 0;
    for (let index = 0; index < length; index++) sizeBytes += varintSize(values[index] as number);
    this.varint(tag);
    this.varint(sizeBytes);
    this.#reserve(sizeBytes);
    for (let index = 0; index < length; index++)
      this.position = writeVarint(this.#buffer, this.position, values[index] as number);
  }

  /**
   * The ids of a prompt, which are many, as a packed field, the only one of a message that is a field itself; an empty message when there
   * are none. In one pass: the sizes that stand before the ids are known behind them.
   *
   * @param first the first ids as they were packed before
   * @returns where the packed ids begin; they end at {@link WireWriter.position}
   */
  tokenIdsMessage([messageTag, tag]: PromptTags, values: Int32Array, first: PackedIds = NO_IDS): number {
    const { length } = values;
    this.varint(messageTag);
    if (length === 0) {
      this.varint(0);
      return this.position;
    }
    const packed = first.bytes.length;
    // Numbers taken for unsigned ones have five bytes at most; three more are written than are meant.
    this.#reserve(packed + (length - first.count) * 5 + MOST_SIZES + 3);
    const start = this.position + sizesOf(tag, packed + (length - first.count) * LIKELY_BYTES);
    if (packed > 0) this.#buffer.set(first.bytes, start);
    const end = writeTokenIds(this.#view, start + packed, { values, from: first.count });
    const sizeBytes = end - start;
    const ids = this.position + sizesOf(tag, sizeBytes);
    if (ids !== start) this.#buffer.copyWithin(ids, start, end);
    this.varint(varintSize(tag) + varintSize(sizeBytes) + sizeBytes);
    this.varint(tag);
    this.varint(sizeBytes);
    this.position = ids + sizeBytes;
    return ids;
  }

  /** An unsigned number; zero is not written. */
  uint32(tag: number, value: number): void {
    if (value === 0) return;
    this.varint(tag);
    this.varint(value);
  }

  /** A signed number; zero is written too. */
  optionalInt32(tag: number, value: number): void {
    this.varint(tag);
    this.int32(value);
  }

  /** A signed number without a tag: negative ones take ten bytes. */
  int32(value: number): void {
    if (value >= 0) {
      this.varint(value);
      return;
    }
    this.#reserve(10);
    const buffer = this.#buffer;
    let position = this.position;
    for (let shift = 0; shift < 28; shift += 7) buffer[position++] = ((value >>> shift) & 0x7f) | 0x80;
    buffer[position++] = (value >>> 28) | 0xf0;
    for (let index = 0; index < 4; index++) buffer[position++] = 0xff;
    buffer[position++] = 0x01;
    this.position = position;
  }

  /** A signed 64-bit number that JavaScript holds exactly; zero is written too. */
  optionalInt64(tag: number, value: number): void {
    this.varint(tag);
    this.#reserve(10);
    const buffer = this.#buffer;
    let position = this.position;
    let low = value >>> 0;
    let high = Math.floor(value / 0x1_0000_0000) >>> 0;
    while (high > 0 || low > 0x7f) {
      buffer[position++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    buffer[position++] = low;
    this.position = position;
  }

  /** `true` or `false`. */
  optionalBool(tag: number, value: boolean): void {
    this.varint(tag);
    this.varint(value ? 1 : 0);
  }

  /** Bytes that are encoded already, as a message field. */
  encoded(tag: number, content: Uint8Array): void {
    this.varint(tag);
    this.varint(content.length);
    this.#reserve(content.length);
    this.#buffer.set(content, this.position);
    this.position += content.length;
  }

  /** `true`; `false` is not written. */
  bool(tag: number, value: boolean): void {
    if (!value) return;
    this.varint(tag);
    this.varint(1);
  }

  /** A float; zero is not written. */
  float(tag: number, value: number): void {
    if (value !== 0) this.optionalFloat(tag, value);
  }

  /** A float; zero is written too. */
  optionalFloat(tag: number, value: number): void {
    this.varint(tag);
    this.#reserve(4);
    this.position = this.#buffer.writeFloatLE(value, this.position);
  }

  /** Text; the empty text is not written. */
  string(tag: number, value: string): void {
    if (value !== "") this.optionalString(tag, value);
  }

  /** Text; the empty text is written too. */
  optionalString(tag: number, value: string): void {
    const sizeBytes = Buffer.byteLength(value, "utf8");
    this.varint(tag);
    this.varint(sizeBytes);
    this.#reserve(sizeBytes);
    this.position += this.#buffer.write(value, this.position, "utf8");
  }

  /** What another writer holds, as a message field. */
  message(tag: number, content: WireWriter): void {
    this.varint(tag);
    this.varint(content.position);
    this.#reserve(content.position);
    content.#buffer.copy(this.#buffer, this.position, 0, content.position);
    this.position += content.position;
  }

  #reserve(sizeBytes: number): void {
    const needed = this.position + sizeBytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.position);
    this.#replace(grown);
  }

  #replace(buffer: Buffer): void {
    this.#buffer = buffer;
    this.#view = viewOf(buffer);
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** Bytes of what {@link WireWriter.tokenIdsMessage} writes between the message's tag and the ids. */
function sizesOf(tag: number, sizeBytes: number): number {
  const inner = varintSize(tag) + varintSize(sizeBytes);
  return varintSize(inner + sizeBytes) + inner;
}

/** Returns where they end; the bytes behind that are not what they were. */
function writeTokenIds(
  view: DataView,
  start: number,
  { values, from }: { readonly values: Int32Array; readonly from: number },
): number {
  let position = start;
  for (let index = from; index < values.length; index++) {
    const value = values[index] as number;
    if (value >>> 21 === 0) {
      // Of one, two or three bytes, as it comes: without a branch, which would be guessed wrong every other time.
      const second = (0x7f - value) >>> 31;
      const third = (0x3fff - value) >>> 31;
      const bits = (value & 0x7f) | ((value << 1) & 0x7f00) | ((value << 2) & 0x7f0000);
      view.setInt32(position, bits | (second << 7) | (third << 15), true);
      position += 1 + second + third;
    } else {
      let rest = value >>> 0;
      for (; rest > 0x7f; rest >>>= 7) view.setUint8(position++, (rest & 0x7f) | 0x80);
      view.setUint8(position++, rest);
    }
  }
  return position;
}

/** Bytes of an unsigned 32-bit number as a varint. */
export function varintSize(value: number): number {
  const bits = value >>> 0;
  if (bits < 0x80) return 1;
  if (bits < 0x4000) return 2;
  if (bits < 0x200000) return 3;
  return bits < 0x10000000 ? 4 : 5;
}

function writeVarint(buffer: Buffer, start: number, value: number): number {
  let position = start;
  let rest = value >>> 0;
  while (rest > 0x7f) {
    buffer[position++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[position++] = rest;
  return position;
}
