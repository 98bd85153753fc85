import { createHash } from "node:crypto";
import type { ClientReadableStream } from "@grpc/grpc-js";
import type { GetTokenizerChunk } from "@vllm-router/proto/messages";
import type { ServiceError } from "@grpc/grpc-js";
import { EngineError } from "../engine-error.ts";
import { engineErrorFromGrpcJs } from "../transport/grpc-js-transport.ts";
import { cancelledError } from "./admin-call.ts";
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

const MIB = 1024 * 1024;

/**
 * Receives an archive in pieces, compares its digest with the one on the last piece, and unpacks it.
 * Throws an EngineError `protocol` when it is too large, damaged, or not the archive the digest speaks of.
 */
export async function receiveTokenizerBundle(
  stream: ClientReadableStream<GetTokenizerChunk>,
  limits: TokenizerBundleLimits,
  signal: AbortSignal | undefined,
): Promise<TokenizerBundle> {
  const { archive, claimed } = await receiveArchive(stream, limits.maxArchiveBytes ?? 256 * MIB, signal);
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
  stream: ClientReadableStream<GetTokenizerChunk>,
  maxArchiveBytes: number,
  signal: AbortSignal | undefined,
): Promise<{ archive: Buffer; claimed: string }> {
  return new Promise((resolve, reject) => {
    const pieces: Uint8Array[] = [];
    let sizeBytes = 0;
    let claimed = "";
    const cancel = (): void => stream.cancel();
    const fail = (error: EngineError): void => {
      signal?.removeEventListener("abort", cancel);
      stream.cancel();
      reject(error);
    };
    stream.on("data", (chunk: GetTokenizerChunk) => {
      sizeBytes += chunk.data.length;
      if (sizeBytes > maxArchiveBytes) {
        fail(new EngineError("protocol", `the tokenizer archive is larger than ${maxArchiveBytes} bytes`));
        return;
      }
      pieces.push(chunk.data);
      if (chunk.sha256 !== "") claimed = chunk.sha256;
    });
    stream.on("error", (error: ServiceError) => {
      fail(signal?.aborted === true ? cancelledError() : engineErrorFromGrpcJs(error));
    });
    stream.on("end", () => {
      signal?.removeEventListener("abort", cancel);
      resolve({ archive: Buffer.concat(pieces, sizeBytes), claimed });
    });
    if (signal?.aborted === true) fail(cancelledError());
    else signal?.addEventListener("abort", cancel, { once: true });
  });
}
