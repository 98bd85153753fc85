import { EngineError } from "../engine-error.ts";

/** Reads protobuf fields from part of a buffer. Whatever is cut short or malformed is a `protocol` error. */
export class WireReader {
  position = 0;
  /** End of the message that is being read. */
  end = 0;
  #bytes: Buffer = Buffer.alloc(0);

  /** Starts on `bytes[start, end)`. */
  reset(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes;
    this.position = start;
    this.end = end;
  }

  /** The low 32 bits of a varint, unsigned. */
  uint32(): number {
    const bytes = this.#bytes;
    let position = this.position;
    if (position >= this.end) throw malformed();
    let byte = bytes[position++] as number;
    if (byte < 0x80) {
      this.position = position;
      return byte;
    }
    let value = byte & 0x7f;
    for (let shift = 7; shift < 70; shift += 7) {
      if (position >= this.end) throw malformed();
      byte = bytes[position++] as number;
      if (shift < 35) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = position;
        return value >>> 0;
      }
    }
    throw malformed();
  }

  /** Reads a length and returns where the delimited bytes end. */
  delimited(): number {
    const length = this.uint32();
    const end = this.position + length;
    if (end > this.end) throw malformed();
    return end;
  }

  /** A 32-bit float. */
  float(): number {
    const start = this.position;
    if (start + 4 > this.end) throw malformed();
    this.position = start + 4;
    return this.#bytes.readFloatLE(start);
  }

  /** Length-delimited bytes; valid as long as the buffer that is read. */
  bytes(): Uint8Array {
    const end = this.delimited();
    const start = this.position;
    this.position = end;
    return this.#bytes.subarray(start, end);
  }

  /** Length-delimited text. */
  string(): string {
    const end = this.delimited();
    const start = this.position;
    this.position = end;
    return this.#bytes.toString("utf8", start, end);
  }

  /** Passes over the value of a field that is not known here. */
  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.uint32();
        break;
      case 1:
        this.#advance(8);
        break;
      case 2:
        this.position = this.delimited();
        break;
      case 5:
        this.#advance(4);
        break;
      default:
        throw malformed();
    }
  }

  #advance(sizeBytes: number): void {
    if (this.position + sizeBytes > this.end) throw malformed();
    this.position += sizeBytes;
  }
}

function malformed(): EngineError {
  return new EngineError("protocol", "the engine sent a malformed message");
}
