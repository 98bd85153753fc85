import { EngineError } from "../engine-error.ts";

/**
 * Reads msgpack value by value from a buffer, without building objects for what the caller does not ask for. Throws an
 * EngineError `protocol` for values of another type than asked for and at the buffer's end.
 */
export class MsgpackReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** True at a nil, which is then passed. */
  takeNil(): boolean {
    if (this.#peek() !== 0xc0) {
      return false;
    }
    this.#at += 1;
    return true;
  }

  /** Number of elements of the array that begins here. */
  arrayLength(): number {
    const tag = this.#byte();
    if ((tag & 0xf0) === 0x90) return tag & 0x0f;
    if (tag === 0xdc) return this.#unsigned(2);
    if (tag === 0xdd) return this.#bounded(this.#unsigned(4));
    throw wrongType("an array", tag);
  }

  /** Number of pairs of the map that begins here. */
  mapLength(): number {
    const tag = this.#byte();
    if ((tag & 0xf0) === 0x80) return tag & 0x0f;
    if (tag === 0xde) return this.#unsigned(2);
    if (tag === 0xdf) return this.#bounded(this.#unsigned(4));
    throw wrongType("a map", tag);
  }

  /** What the next value is, without passing it. */
  peekKind(): "nil" | "array" | "map" | "text" | "binary" | "number" | "other" {
    const tag = this.#peek();
    if (tag === 0xc0) return "nil";
    if ((tag & 0xf0) === 0x90 || tag === 0xdc || tag === 0xdd) return "array";
    if ((tag & 0xf0) === 0x80 || tag === 0xde || tag === 0xdf) return "map";
    if ((tag & 0xe0) === 0xa0 || (tag >= 0xd9 && tag <= 0xdb)) return "text";
    if (tag >= 0xc4 && tag <= 0xc6) return "binary";
    if (tag < 0x80 || tag >= 0xe0 || (tag >= 0xca && tag <= 0xd3)) return "number";
    return "other";
  }

  text(): string {
    const tag = this.#byte();
    if ((tag & 0xe0) === 0xa0) return this.#utf8(tag & 0x1f);
    if (tag >= 0xd9 && tag <= 0xdb) return this.#utf8(this.#unsigned(2 ** (tag - 0xd9)));
    throw wrongType("text", tag);
  }

  binary(): Buffer {
    const tag = this.#byte();
    if (tag >= 0xc4 && tag <= 0xc6) return this.#take(this.#unsigned(2 ** (tag - 0xc4)));
    throw wrongType("bytes", tag);
  }

  /** Any number; integers beyond 53 bits lose their last digits. */
  number(): number {
    const tag = this.#byte();
    if (tag < 0x80) return tag;
    if (tag >= 0xe0) return tag - 0x100;
    switch (tag) {
      case 0xca:
        return this.#take(4).readFloatBE();
      case 0xcb:
        return this.#take(8).readDoubleBE();
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#unsigned(2 ** (tag - 0xcc));
      case 0xcf:
        return Number(this.#take(8).readBigUInt64BE());
      case 0xd0:
      case 0xd1:
      case 0xd2: {
        const size = 2 ** (tag - 0xd0);
        return this.#take(size).readIntBE(0, size);
      }
      case 0xd3:
        return Number(this.#take(8).readBigInt64BE());
      default:
        throw wrongType("a number", tag);
    }
  }

  /** Writes the last 64 bits of a hash, an integer or bytes, as two words: low, then high. */
  hash(words: Int32Array, at: number): void {
    const tag = this.#peek();
    if (tag === 0xcf || tag === 0xd3) {
      const bytes = this.#bytes;
      const start = this.#at + 1;
      this.#skipBytes(9);
      words[at] = bytes.readInt32BE(start + 4);
      words[at + 1] = bytes.readInt32BE(start);
    } else if (tag >= 0xc4 && tag <= 0xc6) {
      const bytes = this.binary();
      if (bytes.length < 8) throw new EngineError("protocol", "a block's hash has less than 8 bytes");
      words[at] = bytes.readInt32BE(bytes.length - 4);
      words[at + 1] = bytes.readInt32BE(bytes.length - 8);
    } else {
      const value = this.number();
      words[at] = value | 0;
      words[at + 1] = value < 0 ? -1 : 0;
    }
  }

  /** The integers of an array. */
  integers(): Int32Array {
    const length = this.arrayLength();
    const values = new Int32Array(this.#bounded(length));
    for (let index = 0; index < length; index += 1) {
      const bytes = this.#bytes;
      const tag = bytes[this.#at];
      // The sizes that token ids have, without the detour.
      if (tag === 0xcd && this.#at + 3 <= bytes.length) {
        values[index] = (bytes[this.#at + 1]! << 8) | bytes[this.#at + 2]!;
        this.#at += 3;
      } else if (tag === 0xce && this.#at + 5 <= bytes.length) {
        values[index] = bytes.readInt32BE(this.#at + 1);
        this.#at += 5;
      } else {
        values[index] = this.number();
      }
    }
    return values;
  }

  /** Passes one value of any kind. */
  skip(): void {
    for (let left = 1; left > 0; left -= 1) {
      const kind = this.peekKind();
      if (kind === "array") left += this.arrayLength();
      else if (kind === "map") left += 2 * this.mapLength();
      else if (kind === "text") this.text();
      else if (kind === "binary") this.binary();
      else if (kind === "number") this.number();
      else this.#skipOther();
    }
  }

  #skipOther(): void {
    const tag = this.#byte();
    if (tag === 0xc0 || tag === 0xc2 || tag === 0xc3) return;
    if (tag >= 0xd4 && tag <= 0xd8) this.#skipBytes(1 + 2 ** (tag - 0xd4));
    else if (tag >= 0xc7 && tag <= 0xc9) this.#skipBytes(1 + this.#unsigned(2 ** (tag - 0xc7)));
    else throw wrongType("a value", tag);
  }

  #peek(): number {
    const tag = this.#bytes[this.#at];
    if (tag === undefined) throw endReached();
    return tag;
  }

  #byte(): number {
    const tag = this.#peek();
    this.#at += 1;
    return tag;
  }

  #unsigned(size: number): number {
    return this.#take(size).readUIntBE(0, size);
  }

  #utf8(length: number): string {
    return this.#take(length).toString("utf8");
  }

  #take(length: number): Buffer {
    const start = this.#at;
    this.#skipBytes(length);
    return this.#bytes.subarray(start, this.#at);
  }

  #skipBytes(length: number): void {
    if (this.#at + length > this.#bytes.length) throw endReached();
    this.#at += length;
  }

  /** A length cannot exceed the bytes that are left: hostile ones must not allocate. */
  #bounded(length: number): number {
    if (length > this.#bytes.length - this.#at) throw endReached();
    return length;
  }
}

function wrongType(wanted: string, tag: number): EngineError {
  return new EngineError("protocol", `msgpack: expected ${wanted}, found 0x${tag.toString(16)}`);
}

function endReached(): EngineError {
  return new EngineError("protocol", "msgpack: the message ends too early");
}
