/** Buffers larger than this are given back after use, so that one long prompt does not hold memory for ever. */
const RETAINED_BYTES = 1 << 20;

/** Writes protobuf fields into one growing buffer that is used again for the next message. */
export class WireWriter {
  /** What was written is in `[0, position)`. */
  position = 0;
  #buffer: Buffer = Buffer.allocUnsafeSlow(4096);

  /** Forgets what was written. */
  reset(): void {
    this.position = 0;
    if (this.#buffer.length > RETAINED_BYTES) this.#buffer = Buffer.allocUnsafeSlow(4096);
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

  /** The same of a prompt, which is long, whose {@link packedSize} may be known already. */
  packedTokenIds(tag: number, values: Int32Array, sizeBytes: number = packedSize(values)): void {
    const { length } = values;
    if (length === 0) return;
    this.varint(tag);
    this.varint(sizeBytes);
    // Two bytes more are written than are meant.
    this.#reserve(sizeBytes + 2);
    const buffer = this.#buffer;
    let position = this.position;
    for (let index = 0; index < length; index++) {
      const value = values[index] as number;
      if (value >>> 21 === 0) {
        // Of one, two or three bytes, as it comes: without a branch, which would be guessed wrong every other time.
        const second = (0x7f - value) >>> 31;
        const third = (0x3fff - value) >>> 31;
        buffer[position] = (value & 0x7f) | (second << 7);
        buffer[position + 1] = ((value >>> 7) & 0x7f) | (third << 7);
        buffer[position + 2] = value >>> 14;
        position += 1 + second + third;
      } else position = writeVarint(buffer, position, value);
    }
    this.position = position;
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
    this.#buffer = grown;
  }
}

/** Bytes of numbers, taken for unsigned ones, as varints. */
export function packedSize(values: Int32Array): number {
  let sizeBytes = 0;
  for (let index = 0; index < values.length; index++) {
    const value = values[index] as number;
    sizeBytes +=
      value >>> 21 === 0 ? 1 + ((0x7f - value) >>> 31) + ((0x3fff - value) >>> 31) : varintSize(value);
  }
  return sizeBytes;
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
