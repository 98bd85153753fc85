import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionOptions,
  OutgoingHttpHeaders,
  SecureClientSessionOptions,
} from "node:http2";
import { EngineError } from "../engine-error.ts";
import type { TransportOptions } from "./transport-options.ts";

/** Window of a whole connection. Node credits it as bytes arrive, whoever reads them or not. */
const CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024;
/** Node refuses new streams when a session holds more (in MB); its default of 10 is two long prompts. */
const MAX_SESSION_MEMORY_MB = 512;

/** One HTTP/2 connection and what is known about its end. */
export class Http2Session {
  readonly session: ClientHttp2Session;
  /** Why the connection failed, once it has. */
  failure: Error | undefined;
  /** Highest stream the engine says it may have worked on; undefined before it said goodbye. */
  lastStreamId: number | undefined;
  #isConnected = false;
  /** Streams opened so far, and those that are open. */
  #opened = 0;
  #open = 0;
  readonly #maxCalls: number;
  #connectTimer: NodeJS.Timeout | undefined;
  #keepAliveTimer: NodeJS.Timeout | undefined;
  #pongTimer: NodeJS.Timeout | undefined;

  /** `onUnusable` is called, at least once, when no new stream can be opened any more. */
  constructor(options: TransportOptions, onUnusable: (session: Http2Session) => void) {
    const scheme = options.secure ? "https" : "http";
    // Not imported: nothing but this transport needs it.
    const { connect } = process.getBuiltinModule("node:http2");
    const session = connect(`${scheme}://${options.address}`, sessionOptions(options));
    this.session = session;
    this.#maxCalls = options.maxCallsPerConnection;
    this.#connectTimer = setTimeout(() => {
      session.destroy(new Error(`no connection within ${options.connectTimeoutMs} ms`));
    }, options.connectTimeoutMs);
    session.once("connect", () => {
      // Said a turn after the socket is connected; it may have been given up in between.
      if (session.destroyed) return;
      this.#isConnected = true;
      clearTimeout(this.#connectTimer);
      session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
      this.#keepAliveTimer = setInterval(() => this.#ping(options.keepAliveMs), options.keepAliveMs).unref();
    });
    session.on("goaway", (_code, lastStreamId) => {
      this.lastStreamId = lastStreamId;
      onUnusable(this);
    });
    session.on("error", (error) => {
      this.failure = error;
      onUnusable(this);
    });
    session.once("close", () => {
      clearTimeout(this.#connectTimer);
      clearTimeout(this.#pongTimer);
      clearInterval(this.#keepAliveTimer);
      onUnusable(this);
    });
  }

  /** False when no new stream can be opened. */
  get isUsable(): boolean {
    return this.#opened < this.#maxCalls && !this.isLost;
  }

  /** True when the connection is closing or gone. */
  get isLost(): boolean {
    return this.session.closed || this.session.destroyed;
  }

  /** Opens a stream; after the last one a connection can take it closes when all of them are over. */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    const stream = this.session.request(headers);
    this.#opened++;
    this.#open++;
    stream.once("close", this.#onStreamClose);
    return stream;
  }

  /**
   * The error of a stream that ended with the connection; `streamId` is undefined when it was never opened, and
   * `streamError` is what the stream itself reported.
   */
  connectionError(streamId: number | undefined, streamError: Error | undefined): EngineError {
    const cause = this.failure ?? (streamError?.cause instanceof Error ? streamError.cause : streamError);
    const wasNotSeen =
      !this.#isConnected ||
      streamId === undefined ||
      (this.lastStreamId !== undefined && streamId > this.lastStreamId);
    const reason = cause === undefined ? "" : `: ${cause.message}`;
    const message = this.#isConnected
      ? "the connection to the engine was lost"
      : "the engine cannot be reached";
    return new EngineError("unavailable", message + reason, { cause, notStarted: wasNotSeen });
  }

  /** Ends the connection and everything on it. */
  async destroy(reason: Error): Promise<void> {
    const { session } = this;
    if (session.destroyed) return;
    await new Promise<void>((resolve) => {
      session.once("close", () => resolve());
      session.destroy(reason);
    });
  }

  readonly #onStreamClose = (): void => {
    this.#open--;
    // Closing any earlier would drop streams that are about to be sent.
    if (this.#open === 0 && this.#opened >= this.#maxCalls) this.session.close();
  };

  #ping(timeoutMs: number): void {
    const { session } = this;
    if (session.destroyed || this.#pongTimer !== undefined) return;
    this.#pongTimer = setTimeout(() => {
      session.destroy(new Error(`no answer to a ping within ${timeoutMs} ms`));
    }, timeoutMs).unref();
    session.ping(() => {
      clearTimeout(this.#pongTimer);
      this.#pongTimer = undefined;
    });
  }
}

function sessionOptions(options: TransportOptions): ClientSessionOptions | SecureClientSessionOptions {
  const { tls } = options;
  return {
    settings: { enablePush: false, initialWindowSize: options.streamWindowBytes },
    maxSessionMemory: MAX_SESSION_MEMORY_MB,
    ...(tls.authorities === undefined ? {} : { ca: tls.authorities }),
    ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
    ...(tls.privateKey === undefined ? {} : { key: tls.privateKey }),
  };
}
