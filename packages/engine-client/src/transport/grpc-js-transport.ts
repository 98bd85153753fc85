import { createRequire } from "node:module";
import type * as GrpcJs from "@grpc/grpc-js";
import { EngineError } from "../engine-error.ts";
import { engineErrorFromStatus } from "./grpc-error.ts";
import { GRPC_STATUS } from "./grpc-status.ts";
import {
  GRPC_PREFIX_BYTES,
  type StreamCall,
  type StreamReceiver,
  type StreamRequest,
  type StreamTransport,
} from "./stream-transport.ts";
import type { TransportOptions } from "./transport-options.ts";
import { TurnQueue } from "./turn-queue.ts";

const require = createRequire(import.meta.url);

/** Not imported: it takes 20 MB and a fifth of a second, and nothing but this transport needs it. */
function loadGrpcJs(): typeof GrpcJs {
  return require("@grpc/grpc-js") as typeof GrpcJs;
}

/** gRPC by the official library: dearer than our own framing, and the oracle it is tested against. */
export class GrpcJsTransport implements StreamTransport {
  readonly turns: TurnQueue = new TurnQueue();
  readonly #library = loadGrpcJs();
  readonly #client: GrpcJs.Client;
  readonly #calls = new Set<GrpcJsCall>();
  #isClosed = false;

  constructor(options: TransportOptions) {
    const credentials = channelCredentials(this.#library, options);
    this.#client = new this.#library.Client(options.address, credentials, channelOptions(options));
  }

  start(request: StreamRequest, receiver: StreamReceiver): StreamCall {
    const call = new GrpcJsCall(receiver, (over) => this.#calls.delete(over));
    if (this.#isClosed) {
      call.failLater(new EngineError("unavailable", "the engine client was closed", { notStarted: true }));
      return call;
    }
    if (request.deadlineAtMs !== undefined && request.deadlineAtMs <= Date.now()) {
      call.failLater(
        new EngineError("deadline_exceeded", "the deadline had passed already", { notStarted: true }),
      );
      return call;
    }
    const metadata = new this.#library.Metadata();
    const options: GrpcJs.CallOptions =
      request.deadlineAtMs === undefined ? {} : { deadline: request.deadlineAtMs };
    try {
      for (const [name, value] of Object.entries(request.metadata ?? {})) metadata.set(name, value);
      const message = request.frame.subarray(GRPC_PREFIX_BYTES);
      this.#calls.add(call);
      call.attach(
        this.#client.makeServerStreamRequest(request.path, identity, identity, message, metadata, options),
      );
    } catch (cause) {
      call.failLater(new EngineError("internal", "the call cannot be sent", { cause, notStarted: true }));
    }
    return call;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const call of this.#calls) call.fail(new EngineError("unavailable", "the engine client was closed"));
    this.#client.close();
  }
}

class GrpcJsCall implements StreamCall {
  readonly #receiver: StreamReceiver;
  readonly #onOver: (call: GrpcJsCall) => void;
  #stream: GrpcJs.ClientReadableStream<Buffer> | undefined;
  #isOver = false;

  constructor(receiver: StreamReceiver, onOver: (call: GrpcJsCall) => void) {
    this.#receiver = receiver;
    this.#onOver = onOver;
  }

  attach(stream: GrpcJs.ClientReadableStream<Buffer>): void {
    this.#stream = stream;
    stream.on("data", (message: Buffer) => {
      if (!this.#isOver) this.#receiver.message(message, 0, message.length);
    });
    stream.on("end", () => this.#settle(null));
    stream.on("error", (error: GrpcJs.ServiceError) => this.#settle(engineErrorFromGrpcJs(error)));
  }

  fail(error: EngineError): void {
    if (this.#isOver) return;
    this.cancel();
    this.#receiver.error(error);
  }

  failLater(error: EngineError): void {
    process.nextTick(() => this.fail(error));
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver(this);
    this.#stream?.cancel();
    this.#stream?.resume();
  }

  pause(): void {
    if (!this.#isOver) this.#stream?.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#stream?.resume();
  }

  #settle(error: EngineError | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver(this);
    if (error === null) this.#receiver.end();
    else this.#receiver.error(error);
  }
}

/** Turns an error of the library into ours. */
function engineErrorFromGrpcJs(error: GrpcJs.ServiceError): EngineError {
  const { details } = error;
  // Limits the library checks itself look like an overloaded engine.
  if (
    error.code === GRPC_STATUS.RESOURCE_EXHAUSTED &&
    details.startsWith("Received message larger than max")
  ) {
    return new EngineError("protocol", details, { cause: error });
  }
  const notStarted =
    error.code === GRPC_STATUS.UNAVAILABLE &&
    (details.startsWith("No connection established") || details.startsWith("Name resolution failed"));
  return engineErrorFromStatus(error.code, details, { cause: error, notStarted });
}

/** Credentials of a channel. */
function channelCredentials(
  { credentials }: typeof GrpcJs,
  options: TransportOptions,
): GrpcJs.ChannelCredentials {
  if (!options.secure) return credentials.createInsecure();
  const { authorities, privateKey, certificate } = options.tls;
  return credentials.createSsl(toBuffer(authorities), toBuffer(privateKey), toBuffer(certificate));
}

/** Options of a channel that belongs to one engine alone. */
function channelOptions(options: TransportOptions): GrpcJs.ClientOptions {
  return {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.enable_retries": 0,
    "grpc.max_receive_message_length": options.maxMessageBytes,
    "grpc.max_send_message_length": -1,
    "grpc.keepalive_time_ms": options.keepAliveMs,
    "grpc.keepalive_timeout_ms": options.keepAliveMs,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc-node.flow_control_window": options.streamWindowBytes,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    "grpc.primary_user_agent": "vllm-router",
  };
}

function toBuffer(pem: string | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}

function identity(bytes: Buffer): Buffer {
  return bytes;
}
