import type { ServerHttp2Stream } from "node:http2";
import { constants } from "node:http2";
import { type GrpcStatusName, grpcStatus } from "./grpc-status.ts";

/** The server's side of one call: writes messages, ends with a status, hears cancellation. */
export interface GrpcCall {
  /** Sends one message; false when the client is slow: better to wait for `onDrain`. */
  write(message: Uint8Array): boolean;
  /** Sends a message that already carries its five-byte prefix. */
  writeFrame(frame: Buffer): boolean;
  /** Bytes that the transport holds back. */
  readonly bufferedBytes: number;
  /** Ends the call; with nothing written before, as trailers alone. */
  end(status: GrpcStatusName, message?: string): void;
  /** Sends the response headers now, before the first message. */
  sendHeaders(): void;
  /** Resets the stream without trailers, as a crash in the middle does. */
  reset(): void;
  /** Headers of the call. */
  readonly metadata: Readonly<Record<string, string>>;
  /** True after the end, the client's cancellation or a lost connection. */
  readonly isOver: boolean;
  /** Called once when the client went away before the end. */
  onCancel: (() => void) | undefined;
  /** Called when a slow client caught up. */
  onDrain: (() => void) | undefined;
}

/** Puts the gRPC prefix (no compression, big-endian length) before a message. */
export function grpcFrame(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(message.length + 5);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

/** A call over an HTTP/2 stream. */
export class Http2GrpcCall implements GrpcCall {
  onCancel: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  isOver = false;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #stream: ServerHttp2Stream;
  #deadline: NodeJS.Timeout | undefined;

  constructor(
    stream: ServerHttp2Stream,
    options: {
      readonly timeoutMs: number | undefined;
      readonly metadata: Readonly<Record<string, string>>;
    },
  ) {
    const { timeoutMs } = options;
    this.#stream = stream;
    this.metadata = options.metadata;
    stream.on("drain", () => this.onDrain?.());
    stream.on("close", () => this.#cancelled());
    stream.on("error", () => this.#cancelled());
    if (timeoutMs !== undefined) {
      this.#deadline = setTimeout(() => this.#deadlineExceeded(), Math.min(timeoutMs, 0x7fff_ffff));
    }
  }

  get bufferedBytes(): number {
    return this.#stream.writableLength;
  }

  write(message: Uint8Array): boolean {
    return this.writeFrame(grpcFrame(message));
  }

  writeFrame(frame: Buffer): boolean {
    if (this.isOver) return true;
    this.sendHeaders();
    return this.#stream.write(frame);
  }

  sendHeaders(): void {
    if (this.isOver || this.#stream.headersSent || this.#stream.destroyed) return;
    this.#stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  }

  end(status: GrpcStatusName, message = ""): void {
    if (this.isOver) return;
    this.#over();
    if (this.#stream.destroyed) return;
    const trailers: Record<string, string> = { "grpc-status": String(grpcStatus[status]) };
    if (message !== "") trailers["grpc-message"] = percentEncode(message);
    if (this.#stream.headersSent) {
      this.#stream.on("wantTrailers", () => this.#stream.sendTrailers(trailers));
      this.#stream.end();
    } else {
      this.#stream.respond(
        { ":status": 200, "content-type": "application/grpc", ...trailers },
        { endStream: true },
      );
    }
  }

  reset(): void {
    if (this.isOver) return;
    this.#over();
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  #cancelled(): void {
    if (this.isOver) return;
    this.#over();
    this.onCancel?.();
  }

  #deadlineExceeded(): void {
    if (this.isOver) return;
    const { onCancel } = this;
    this.end("DEADLINE_EXCEEDED", "Deadline Exceeded");
    onCancel?.();
  }

  #over(): void {
    this.isOver = true;
    clearTimeout(this.#deadline);
  }
}

/** gRPC's escape of `grpc-message`: everything but printable ASCII, and the percent sign. */
function percentEncode(message: string): string {
  let encoded = "";
  for (const byte of Buffer.from(message, "utf8")) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
