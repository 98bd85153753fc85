import { Readable } from "node:stream";
import type { StreamedBody } from "@vllm-router/engine-client";
import type { IncomingRequest } from "./incoming-request.ts";

/** Outcome of {@link receiveReplayable}. */
export type ReplayableResult =
  | { readonly kind: "whole"; readonly bytes: Uint8Array }
  | { readonly kind: "streamed"; readonly body: ReplayableBody }
  | { readonly kind: "too-large"; readonly limitBytes: number }
  | { readonly kind: "aborted" };

/** How much of a body is held and taken. */
export interface ReplayableLimits {
  /** Bytes held, so that routing can look at them and the body can be sent to another worker. */
  readonly heldBytes: number;
  /** Longest body that is taken. */
  readonly limitBytes: number;
}

/** The client sent more than is taken. */
export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
  readonly limitBytes: number;

  constructor(limitBytes: number) {
    super(`the body is longer than ${limitBytes} bytes`);
    this.limitBytes = limitBytes;
  }
}

/**
 * A body of which the beginning is held and the rest still on its way. It can be opened again and again as long as
 * nobody has taken anything of the rest.
 */
export class ReplayableBody implements StreamedBody {
  readonly lengthBytes: number | undefined;
  readonly #held: readonly Uint8Array[];
  readonly #rest: AsyncIterator<Uint8Array>;
  readonly #limitBytes: number;
  #takenBytes: number;
  #isSpent = false;

  constructor(options: {
    readonly lengthBytes: number | undefined;
    readonly held: readonly Uint8Array[];
    readonly rest: AsyncIterator<Uint8Array>;
    readonly limitBytes: number;
  }) {
    this.lengthBytes = options.lengthBytes;
    this.#held = options.held;
    this.#rest = options.rest;
    this.#limitBytes = options.limitBytes;
    this.#takenBytes = options.held.reduce((sum, piece) => sum + piece.length, 0);
  }

  /** True once part of it is gone: it cannot be sent to another worker any more. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** Bytes received so far. */
  get receivedBytes(): number {
    return this.#takenBytes;
  }

  /** The beginning. */
  get held(): Uint8Array {
    return Buffer.concat(this.#held);
  }

  /** @throws BodyTooLargeError in the middle, when the client sends more than is taken */
  async *open(): AsyncGenerator<Uint8Array> {
    yield* this.#held;
    for (;;) {
      this.#isSpent = true;
      const { done, value } = await this.#rest.next();
      if (done === true) {
        return;
      }
      this.#takenBytes += value.length;
      if (this.#takenBytes > this.#limitBytes) {
        throw new BodyTooLargeError(this.#limitBytes);
      }
      yield value;
    }
  }
}

/**
 * Receives a body up to what is held; a longer one goes on as a stream that the receiver of the bytes paces. A declared
 * length above the limit is refused before a byte is read.
 */
export async function receiveReplayable(
  incoming: IncomingRequest,
  limits: ReplayableLimits,
): Promise<ReplayableResult> {
  const { heldBytes, limitBytes } = limits;
  const declared = incoming.header("content-length");
  if (Number(declared) > limitBytes) {
    incoming.discard();
    return { kind: "too-large", limitBytes };
  }
  // Leaving the loop early must not end the client's request.
  const rest = streamOf(incoming).iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  const held: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    while (sizeBytes <= heldBytes) {
      const { done, value } = await rest.next();
      if (done === true) {
        return { kind: "whole", bytes: Buffer.concat(held, sizeBytes) };
      }
      held.push(value);
      sizeBytes += value.length;
    }
  } catch {
    return { kind: "aborted" };
  }
  if (sizeBytes > limitBytes) {
    incoming.discard();
    return { kind: "too-large", limitBytes };
  }
  const lengthBytes = declared === undefined ? undefined : Number(declared);
  return { kind: "streamed", body: new ReplayableBody({ lengthBytes, held, rest, limitBytes }) };
}

/** The body as a stream that holds its client back while nobody reads. */
function streamOf(incoming: IncomingRequest): Readable {
  const stream = new Readable({ read: () => incoming.resume() });
  // Also while nobody reads.
  stream.on("error", () => undefined);
  incoming.receive({
    piece: (bytes) => {
      if (!stream.push(bytes)) {
        incoming.pause();
      }
    },
    end: () => void stream.push(null),
    broken: () => void stream.destroy(new Error("the client left")),
  });
  return stream;
}
