import { createHash } from "node:crypto";
import type { GetTokenizerChunk } from "@vllm-router/proto/messages";
import { EngineError } from "../engine-error.ts";
import { GrowingBytes } from "./growing-bytes.ts";
import type { AnswerListener, ServiceCall } from "./service-call.ts";
import { readZip } from "./zip-reader.ts";

/** The files of a tokenizer as an engine holds them. */
export interface TokenizerBundle {
  /** SHA-256 of the archive, in lower-case hex. */
  readonly sha256: string;
  /** Contents by file name, such as `tokenizer.json`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** What is taken from an engine at most, and what need not be unpacked. */
export interface TokenizerBundleLimits {
  /** Files of an archive that has been received before, by its SHA-256; then this one is not unpacked. */
  readonly known?: (sha256: string) => ReadonlyMap<string, Uint8Array> | undefined;
  /** Bytes of the archive; default 256 MiB. */
  readonly maxArchiveBytes?: number;
  /** Bytes of all files; default 1 GiB. */
  readonly maxUnpackedBytes?: number;
  /** Files; default 128. */
  readonly maxFiles?: number;
}

/** Asks for an archive, whose pieces the listener hears. */
export type AskForTokenizer = (listener: AnswerListener<GetTokenizerChunk>) => ServiceCall<GetTokenizerChunk>;

const MIB = 1024 * 1024;

/**
 * Receives an archive in pieces, compares its digest with the one on the last piece, and unpacks it.
 * Throws an EngineError `protocol` when it is too large, damaged, or not the archive the digest speaks of.
 */
export async function receiveTokenizerBundle(
  ask: AskForTokenizer,
  limits: TokenizerBundleLimits,
): Promise<TokenizerBundle> {
  const { archive, claimed } = await receiveArchive(ask, limits.maxArchiveBytes ?? 256 * MIB);
  const sha256 = createHash("sha256").update(archive).digest("hex");
  if (claimed === "")
    throw new EngineError("protocol", "the engine sent a tokenizer archive without a digest");
  if (claimed.toLowerCase() !== sha256) {
    throw new EngineError(
      "protocol",
      `the tokenizer archive has the digest ${sha256}, the engine said ${claimed}`,
    );
  }
  const files =
    limits.known?.(sha256) ??
    (await readZip(archive, {
      maxFiles: limits.maxFiles ?? 128,
      maxUnpackedBytes: limits.maxUnpackedBytes ?? 1024 * MIB,
    }));
  return { sha256, files };
}

async function receiveArchive(
  ask: AskForTokenizer,
  maxArchiveBytes: number,
): Promise<{ archive: Buffer; claimed: string }> {
  return new Promise((resolve, reject) => {
    const archive = new GrowingBytes(maxArchiveBytes);
    let claimed = "";
    const call = ask({
      takesBorrowed: true,
      message: ({ data, sha256 }) => {
        if (!archive.append(data)) {
          call.stop();
          reject(
            new EngineError("protocol", `the tokenizer archive is larger than ${maxArchiveBytes} bytes`),
          );
          return;
        }
        if (sha256 !== "") claimed = sha256;
      },
      end: (error) => {
        if (error === undefined) resolve({ archive: archive.bytes(), claimed });
        else reject(error);
      },
    });
  });
}
