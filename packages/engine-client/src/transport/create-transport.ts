import { GrpcJsTransport } from "./grpc-js-transport.ts";
import { Http2Transport } from "./http2-transport.ts";
import { NetTransport } from "./net/net-transport.ts";
import type { StreamTransport } from "./stream-transport.ts";
import type { TransportOptions } from "./transport-options.ts";

/** What carries the calls of a gRPC engine. */
export type EngineTransport = "http2" | "net" | "grpc-js";

/** Makes a transport of its own; nothing is sent before its first call. */
export function createTransport(options: TransportOptions, kind: EngineTransport): StreamTransport {
  switch (kind) {
    case "http2":
      return new Http2Transport(options);
    case "net":
      return new NetTransport(options);
    case "grpc-js":
      return new GrpcJsTransport(options);
  }
}
