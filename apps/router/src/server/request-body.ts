import type { IncomingRequest } from "./incoming-request.ts";

/** Outcome of reading a body: the bytes, or why there are none. */
export type BodyResult =
  | { readonly kind: "body"; readonly bytes: Uint8Array }
  | { readonly kind: "too-large"; readonly limitBytes: number }
  | { readonly kind: "aborted" };

/**
 * Reads a request body whole, never holding more than `limitBytes`. A declared length above the limit is refused before
 * a byte is read; what a refused client still sends is thrown away so that it can read the answer (the server cuts it off
 * soon after that). Read a body once only.
 */
export function readRequestBody(incoming: IncomingRequest, limitBytes: number): Promise<BodyResult> {
  if (Number(incoming.header("content-length")) > limitBytes) {
    incoming.discard();
    return Promise.resolve({ kind: "too-large", limitBytes });
  }
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    // A promise takes its first answer only: what follows `end` or a refusal changes nothing.
    incoming.receive({
      piece: (chunk) => {
        length += chunk.length;
        if (length > limitBytes) {
          chunks.length = 0;
          resolve({ kind: "too-large", limitBytes });
        } else {
          chunks.push(chunk);
        }
      },
      end: () => {
        const first = chunks[0];
        resolve({
          kind: "body",
          bytes: chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks),
        });
      },
      broken: () => resolve({ kind: "aborted" }),
    });
  });
}
