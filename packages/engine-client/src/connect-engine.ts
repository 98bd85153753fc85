import { AbortBatch } from "./admin/abort-batch.ts";
import { InferenceAdmin } from "./admin/inference-admin.ts";
import { VllmEngineAdmin } from "./admin/vllm-engine-admin.ts";
import type { EngineDescription } from "./engine-address.ts";
import type { ProxyEngine, TokenEngine } from "./engine.ts";
import { HttpEngineAdmin } from "./proxy/http-admin.ts";
import { createHttpPool } from "./proxy/http-pool.ts";
import { HttpProxyEngine } from "./proxy/http-proxy-engine.ts";
import { NetProxyEngine } from "./proxy/net/net-proxy-engine.ts";
import { createTransport, type EngineTransport } from "./transport/create-transport.ts";
import {
  DEFAULT_TRANSPORT_OPTIONS,
  type TlsOptions,
  type TransportOptions,
} from "./transport/transport-options.ts";
import { VllmTokenEngine } from "./vllm-engine/vllm-token-engine.ts";
import { InferenceTokenEngine } from "./vllm-inference/inference-token-engine.ts";

/** How requests are passed on to an HTTP engine. */
export type HttpClient = "undici" | "net";

/** How to connect to an engine. */
export interface ConnectOptions {
  /** Carries the calls of a gRPC engine; default `net`: an HTTP/2 client of our own. */
  readonly transport?: EngineTransport;
  /** Default `net`: an HTTP/1.1 client of our own. */
  readonly httpClient?: HttpClient;
  readonly tls?: TlsOptions;
  /** Longest wait for a connection; default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Pause between pings on a gRPC connection; default 30,000. */
  readonly keepAliveMs?: number;
  /** Bytes held for a paused stream; default 256 KiB. */
  readonly streamWindowBytes?: number;
  /** Larger messages of the engine are refused; default 64 MiB. */
  readonly maxMessageBytes?: number;
  /** Sent with the HTTP admin calls, such as `authorization`. Forwarded requests carry the client's own headers. */
  readonly adminHeaders?: Readonly<Record<string, string>>;
}

/** A connected VllmEngine. */
export interface VllmEngineConnection {
  readonly dialect: "vllm-engine";
  readonly description: EngineDescription;
  readonly engine: TokenEngine;
  readonly admin: VllmEngineAdmin;
  /** Fails running calls with `unavailable` and gives up all connections. */
  close(): Promise<void>;
}

/** A connected engine that speaks `vllm.Inference` and `vllm.Control`. */
export interface InferenceConnection {
  readonly dialect: "vllm-inference";
  readonly description: EngineDescription;
  readonly engine: TokenEngine;
  readonly admin: InferenceAdmin;
  /** Fails running calls with `unavailable` and gives up all connections. */
  close(): Promise<void>;
}

/** A connected HTTP engine. */
export interface HttpEngineConnection {
  readonly dialect: "http";
  readonly description: EngineDescription;
  readonly engine: ProxyEngine;
  readonly admin: HttpEngineAdmin;
  /** Fails running calls with `unavailable` and gives up all connections. */
  close(): Promise<void>;
}

/** A connected engine; `dialect` tells which. */
export type EngineConnection = VllmEngineConnection | InferenceConnection | HttpEngineConnection;

/**
 * Makes the objects that talk to an engine. Nothing is sent before the first call, so an engine that is not there shows
 * up as `unavailable` then.
 */
export function connectEngine(
  description: EngineDescription,
  options: ConnectOptions = {},
): EngineConnection {
  const settings = transportOptions(description, options);
  switch (description.dialect) {
    case "vllm-engine":
      return connectVllmEngine(description, settings, options.transport ?? "net");
    case "http":
      return connectHttp(description, settings, options);
    case "vllm-inference":
      return connectInference(description, settings, options.transport ?? "net");
  }
}

/** Settings of a connection with the defaults filled in. */
export function transportOptions(
  target: Pick<EngineDescription, "address" | "secure">,
  options: Omit<ConnectOptions, "transport" | "httpClient" | "adminHeaders">,
): TransportOptions {
  const { address, secure } = target;
  return {
    ...DEFAULT_TRANSPORT_OPTIONS,
    address,
    secure,
    tls: options.tls ?? DEFAULT_TRANSPORT_OPTIONS.tls,
    connectTimeoutMs: options.connectTimeoutMs ?? DEFAULT_TRANSPORT_OPTIONS.connectTimeoutMs,
    keepAliveMs: options.keepAliveMs ?? DEFAULT_TRANSPORT_OPTIONS.keepAliveMs,
    streamWindowBytes: options.streamWindowBytes ?? DEFAULT_TRANSPORT_OPTIONS.streamWindowBytes,
    maxMessageBytes: options.maxMessageBytes ?? DEFAULT_TRANSPORT_OPTIONS.maxMessageBytes,
  };
}

function connectVllmEngine(
  description: EngineDescription,
  settings: TransportOptions,
  kind: EngineTransport,
): VllmEngineConnection {
  const transport = createTransport(settings, kind);
  const admin = new VllmEngineAdmin(createTransport(settings, kind));
  return {
    dialect: "vllm-engine",
    description,
    engine: new VllmTokenEngine(transport),
    admin,
    close: async () => {
      await Promise.all([admin.close(), transport.close()]);
    },
  };
}

function connectInference(
  description: EngineDescription,
  settings: TransportOptions,
  kind: EngineTransport,
): InferenceConnection {
  const transport = createTransport(settings, kind);
  const admin = new InferenceAdmin(createTransport(settings, kind));
  const aborts = new AbortBatch(async (ids) => admin.abort(ids));
  return {
    dialect: "vllm-inference",
    description,
    engine: new InferenceTokenEngine(transport, (requestId) => aborts.add(requestId)),
    admin,
    close: async () => {
      await Promise.all([admin.close(), transport.close()]);
    },
  };
}

function connectHttp(
  description: EngineDescription,
  settings: TransportOptions,
  options: ConnectOptions,
): HttpEngineConnection {
  const pool = options.httpClient === "undici" ? createHttpPool(settings) : undefined;
  const engine = pool === undefined ? new NetProxyEngine(settings) : new HttpProxyEngine(pool, settings);
  // With connections of its own: it must hear of the engine's health also when there are too many requests.
  const asking = new NetProxyEngine(settings);
  return {
    dialect: "http",
    description,
    engine,
    admin: new HttpEngineAdmin(asking, options.adminHeaders),
    close: async () => {
      asking.close();
      if (engine instanceof NetProxyEngine) engine.close();
      await pool?.destroy();
    },
  };
}
