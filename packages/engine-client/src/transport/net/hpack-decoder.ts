import { EngineError } from "../../engine-error.ts";
import { decodeHuffman } from "./huffman.ts";
import type { PayloadRange } from "./payload-range.ts";
import { type HeaderField, STATIC_TABLE } from "./static-table.ts";

/** Size of the dynamic table; the default of HTTP/2, which peers may assume before they have read our settings. */
const TABLE_BYTES = 4096;
/** What an entry costs beside its text (RFC 7541 §4.1). */
const ENTRY_OVERHEAD_BYTES = 32;
/** Headers of one block may not be larger than this in all, counted as table entries are. */
export const MAX_HEADER_LIST_BYTES = 64 * 1024;

/** Takes the headers of a block in their order. */
export type HeaderConsumer = (name: string, value: string) => void;

/**
 * Decodes the header blocks of one connection (RFC 7541). Every block has to be decoded, wanted or not, because it may
 * change the table. Malformed blocks are an EngineError `protocol`; after one the connection is of no use.
 */
export class HpackDecoder {
  /** Newest entry last. */
  readonly #table: HeaderField[] = [];
  #tableBytes = 0;
  #tableLimitBytes = TABLE_BYTES;
  #bytes: Buffer = Buffer.alloc(0);
  #position = 0;
  #end = 0;

  /** Reads one whole block from `bytes[start, end)`. */
  decode(bytes: Buffer, range: PayloadRange, consume: HeaderConsumer): void {
    this.#bytes = bytes;
    this.#position = range.start;
    this.#end = range.end;
    let listBytes = 0;
    let isFirst = true;
    while (this.#position < this.#end) {
      const first = bytes[this.#position] as number;
      if ((first & 0xe0) === 0x20) {
        if (!isFirst) throw malformed("changes its table in the middle of a header block");
        this.#resize(this.#integer(5));
        continue;
      }
      isFirst = false;
      const field = this.#field(first);
      listBytes += sizeOf(field);
      if (listBytes > MAX_HEADER_LIST_BYTES)
        throw malformed(`sent more than ${MAX_HEADER_LIST_BYTES} bytes of headers`);
      consume(field[0], field[1]);
    }
  }

  #field(first: number): HeaderField {
    if ((first & 0x80) !== 0) return this.#entry(this.#integer(7));
    const isIndexed = (first & 0x40) !== 0;
    const nameIndex = this.#integer(isIndexed ? 6 : 4);
    const name = nameIndex === 0 ? this.#text() : this.#entry(nameIndex)[0];
    const field: HeaderField = [name, this.#text()];
    if (isIndexed) this.#add(field);
    return field;
  }

  #entry(index: number): HeaderField {
    const field =
      index <= STATIC_TABLE.length
        ? STATIC_TABLE[index - 1]
        : this.#table[this.#table.length - (index - STATIC_TABLE.length)];
    if (field === undefined) throw malformed(`refers to header ${index}, which does not exist`);
    return field;
  }

  #add(field: HeaderField): void {
    this.#table.push(field);
    this.#tableBytes += sizeOf(field);
    this.#evict();
  }

  #resize(limitBytes: number): void {
    if (limitBytes > TABLE_BYTES) throw malformed("enlarges its header table beyond what it may");
    this.#tableLimitBytes = limitBytes;
    this.#evict();
  }

  #evict(): void {
    while (this.#tableBytes > this.#tableLimitBytes) {
      const oldest = this.#table.shift();
      if (oldest === undefined) return;
      this.#tableBytes -= sizeOf(oldest);
    }
  }

  /** An integer with a prefix of so many bits (RFC 7541 §5.1). */
  #integer(prefixBits: number): number {
    const bytes = this.#bytes;
    const mask = (1 << prefixBits) - 1;
    let value = (bytes[this.#position++] as number) & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#position >= this.#end) throw malformed("cut a header short");
      const byte = bytes[this.#position++] as number;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw malformed("sent a header with a number that is too large");
  }

  #text(): string {
    if (this.#position >= this.#end) throw malformed("cut a header short");
    const isHuffman = ((this.#bytes[this.#position] as number) & 0x80) !== 0;
    const length = this.#integer(7);
    const start = this.#position;
    const end = start + length;
    if (end > this.#end) throw malformed("cut a header short");
    this.#position = end;
    return isHuffman ? decodeHuffman(this.#bytes, start, end) : this.#bytes.toString("latin1", start, end);
  }
}

function sizeOf(field: HeaderField): number {
  return field[0].length + field[1].length + ENTRY_OVERHEAD_BYTES;
}

function malformed(what: string): EngineError {
  return new EngineError("protocol", `the engine ${what}`);
}
