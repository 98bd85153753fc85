import { createHash } from "node:crypto";
import { zip } from "fflate";
import { readTokenizerFiles } from "./model-files.ts";

/** The zip that GetTokenizer streams and the hex SHA-256 of it. */
export interface TokenizerBundle {
  readonly zip: Uint8Array;
  readonly sha256: string;
}

/** The zip's time stamp: the same files give the same bytes. */
const timestamp = "2000-01-01T00:00:00";

/** Packs the tokenizer files of a model directory; compression runs outside the event loop. */
export function packTokenizer(path: string): Promise<TokenizerBundle> {
  const files = Object.fromEntries(readTokenizerFiles(path));
  return new Promise((resolve, reject) => {
    zip(files, { level: 6, mtime: timestamp }, (error, data) => {
      if (error === null) resolve({ zip: data, sha256: createHash("sha256").update(data).digest("hex") });
      else reject(error);
    });
  });
}
