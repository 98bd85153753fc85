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

/** Sends a body in chunks as it comes, and no faster than the target takes it. Rejects when the body does. */
export async function sendStreamedBody(body: AsyncIterable<Uint8Array>, target: BodyTarget): Promise<void> {
  for await (const piece of body) {
    if (!target.isOpen()) return;
    if (piece.length === 0) continue;
    const size = Buffer.from(`${piece.length.toString(16)}\r\n`, "latin1");
    if (!target.write(Buffer.concat([size, piece, LINE_END]))) await target.drained();
    if (!target.isOpen()) return;
  }
  target.write(LAST_CHUNK);
}
