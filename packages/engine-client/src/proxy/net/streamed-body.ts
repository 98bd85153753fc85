import type { StreamedBody } from "../../engine.ts";

/** Where a streamed body goes. */
export interface BodyTarget {
  /** False when nobody wants the rest. */
  isOpen(): boolean;
  /** @returns false when the rest has to wait for `drained` */
  write(bytes: Uint8Array): boolean;
  /** Resolves when more can be written, or never will be. */
  drained(): Promise<void>;
}

const LINE_END = Buffer.from("\r\n");
const LAST_CHUNK = Buffer.from("0\r\n\r\n");

/**
 * Sends a body as it comes, and no faster than the target takes it: as it is where its length has been said, else in chunks.
 * Rejects when the body does, or is not as long as it was said to be.
 */
export async function sendStreamedBody(body: StreamedBody, target: BodyTarget): Promise<void> {
  const { lengthBytes } = body;
  let sentBytes = 0;
  for await (const piece of body.open()) {
    if (!target.isOpen()) return;
    if (piece.length === 0) continue;
    sentBytes += piece.length;
    if (lengthBytes !== undefined && sentBytes > lengthBytes) break;
    if (!target.write(lengthBytes === undefined ? chunkOf(piece) : piece)) await target.drained();
    if (!target.isOpen()) return;
  }
  if (lengthBytes === undefined) target.write(LAST_CHUNK);
  else if (sentBytes !== lengthBytes)
    throw new RangeError(`a body of ${lengthBytes} bytes had another length`);
}

function chunkOf(piece: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`, "latin1"), piece, LINE_END]);
}
