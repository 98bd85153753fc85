import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { ModelFiles } from "./model-files.ts";

/** A file as it is kept. */
interface KeptFile {
  readonly bytes: Uint8Array;
  readonly isPacked: boolean;
}

/** File name to what is kept of it; may be posted to a thread. */
export type PackedFiles = ReadonlyMap<string, KeptFile>;

/** Smaller ones are not worth it. */
const WORTH_BYTES = 64 * 1024;
/** The fastest, 30 ms for a vocabulary of 11 MB, which makes a third of it. */
const LEVEL = 1;

/** Files of a model that are kept for threads that may want them some day, in a third of the memory once packed. */
export class KeptFiles {
  #files: PackedFiles;

  constructor(files: ModelFiles) {
    this.#files = new Map([...files].map(([name, bytes]) => [name, { bytes, isPacked: false }]));
  }

  /** What a thread is sent: for {@link unpackedFiles}. */
  get files(): PackedFiles {
    return this.#files;
  }

  /** Packs what is not yet packed. Takes a moment: for when nothing else is to be done. */
  tidy(): void {
    this.#files = new Map([...this.#files].map(([name, file]) => [name, packed(file)]));
  }
}

/** The files as they were. */
export function unpackedFiles(files: PackedFiles): ModelFiles {
  return new Map(
    [...files].map(([name, { bytes, isPacked }]) => [name, isPacked ? zstdDecompressSync(bytes) : bytes]),
  );
}

function packed(file: KeptFile): KeptFile {
  if (file.isPacked || file.bytes.length < WORTH_BYTES) {
    return file;
  }
  const params = { [constants.ZSTD_c_compressionLevel]: LEVEL };
  // A copy of its own: what zlib gives is a part of a larger block.
  return { bytes: Uint8Array.from(zstdCompressSync(file.bytes, { params })), isPacked: true };
}
