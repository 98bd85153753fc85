import { promisify } from "node:util";
import { constants, crc32, inflateRaw } from "node:zlib";
import { EngineError } from "../engine-error.ts";

/** What a zip file may hold at most. */
export interface ZipLimits {
  readonly maxFiles: number;
  /** Bytes of all files together, unpacked. */
  readonly maxUnpackedBytes: number;
}

interface ZipEntry {
  readonly name: string;
  readonly isDeflated: boolean;
  readonly crc: number;
  readonly packedBytes: number;
  readonly unpackedBytes: number;
  readonly headerOffset: number;
}

const END_SIGNATURE = 0x0605_4b50;
const ENTRY_SIGNATURE = 0x0201_4b50;
const LOCAL_SIGNATURE = 0x0403_4b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const MAX_COMMENT_BYTES = 0xffff;
/** What a byte of deflated data can become at most: 258 bytes take two bits (RFC 1951 §3.2.5), and some more for the block's head. */
const MAX_DEFLATE_RATIO = 1032;

const inflate = promisify(inflateRaw);

/**
 * Unpacks a zip file (PKWARE APPNOTE: stored and deflated entries, no zip64, no encryption) on the thread pool, so that
 * a large tokenizer does not stop the event loop. Sizes are checked before anything is unpacked and again while it is;
 * checksums are checked. Throws an EngineError `protocol` for anything unusual: names that leave the folder, duplicates,
 * too many or too large files.
 */
export async function readZip(zip: Buffer, limits: ZipLimits): Promise<Map<string, Uint8Array>> {
  const entries = readEntries(zip, limits);
  const files = new Map<string, Uint8Array>();
  for (const entry of entries) {
    if (files.has(entry.name)) throw broken(`holds ${JSON.stringify(entry.name)} twice`);
    files.set(entry.name, await unpack(zip, entry));
  }
  return files;
}

function readEntries(zip: Buffer, limits: ZipLimits): readonly ZipEntry[] {
  const end = findEnd(zip);
  const count = zip.readUInt16LE(end + 10);
  if (count > limits.maxFiles) throw broken(`holds ${count} files; at most ${limits.maxFiles} are taken`);
  const entries: ZipEntry[] = [];
  let position = zip.readUInt32LE(end + 16);
  let unpackedBytes = 0;
  for (let index = 0; index < count; index++) {
    if (position + ENTRY_BYTES > zip.length || zip.readUInt32LE(position) !== ENTRY_SIGNATURE)
      throw broken("is damaged");
    const nameBytes = zip.readUInt16LE(position + 28);
    const name = zip.toString("utf8", position + ENTRY_BYTES, position + ENTRY_BYTES + nameBytes);
    const entry = readEntry(zip, position, name);
    position += ENTRY_BYTES + nameBytes + zip.readUInt16LE(position + 30) + zip.readUInt16LE(position + 32);
    if (name.endsWith("/")) continue;
    unpackedBytes += entry.unpackedBytes;
    if (unpackedBytes > limits.maxUnpackedBytes) {
      throw broken(`unpacks to more than ${limits.maxUnpackedBytes} bytes`);
    }
    entries.push(entry);
  }
  return entries;
}

function readEntry(zip: Buffer, position: number, name: string): ZipEntry {
  if (!isSafeName(name)) throw broken(`holds the unsafe name ${JSON.stringify(name)}`);
  const method = zip.readUInt16LE(position + 10);
  const isEncrypted = (zip.readUInt16LE(position + 8) & 1) === 1;
  if (isEncrypted || (method !== 0 && method !== 8))
    throw broken(`packs ${JSON.stringify(name)} in an unknown way`);
  return {
    name,
    isDeflated: method === 8,
    crc: zip.readUInt32LE(position + 16),
    packedBytes: zip.readUInt32LE(position + 20),
    unpackedBytes: zip.readUInt32LE(position + 24),
    headerOffset: zip.readUInt32LE(position + 42),
  };
}

async function unpack(zip: Buffer, entry: ZipEntry): Promise<Uint8Array> {
  const { headerOffset: header, name } = entry;
  if (header + LOCAL_BYTES > zip.length || zip.readUInt32LE(header) !== LOCAL_SIGNATURE)
    throw broken("is damaged");
  const start = header + LOCAL_BYTES + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
  const end = start + entry.packedBytes;
  if (end > zip.length) throw broken("is cut short");
  const packed = zip.subarray(start, end);
  const file = entry.isDeflated ? await inflateEntry(packed, entry) : Uint8Array.from(packed);
  if (file.length !== entry.unpackedBytes || crc32(file) !== entry.crc) {
    throw broken(`holds a damaged ${JSON.stringify(name)}`);
  }
  return file;
}

async function inflateEntry(packed: Buffer, entry: ZipEntry): Promise<Uint8Array> {
  const { unpackedBytes } = entry;
  if (unpackedBytes > packed.length * MAX_DEFLATE_RATIO)
    throw broken(`holds a damaged ${JSON.stringify(entry.name)}`);
  try {
    return await inflate(packed, {
      maxOutputLength: Math.max(1, unpackedBytes),
      // All of it in one piece, and a byte to spare: a piece that is full is followed by another.
      chunkSize: Math.max(constants.Z_MIN_CHUNK, unpackedBytes + 1),
    });
  } catch (cause) {
    throw new EngineError("protocol", `the tokenizer archive holds a damaged ${JSON.stringify(entry.name)}`, {
      cause,
    });
  }
}

function findEnd(zip: Buffer): number {
  const last = zip.length - END_BYTES;
  const first = Math.max(0, last - MAX_COMMENT_BYTES);
  for (let position = last; position >= first; position--) {
    if (zip.readUInt32LE(position) === END_SIGNATURE) return position;
  }
  throw broken("is not a zip file");
}

function isSafeName(name: string): boolean {
  if (name === "" || name.startsWith("/") || /[\\\0:]/.test(name)) return false;
  return !name.split("/").includes("..");
}

function broken(reason: string): EngineError {
  return new EngineError("protocol", `the tokenizer archive ${reason}`);
}
