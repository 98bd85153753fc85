import { Pool } from "undici";
import type { TransportOptions } from "../transport/transport-options.ts";

/**
 * Connections to one HTTP engine. Answers may take as long as their deadline allows, so the client's own limits are off.
 * HTTP/2 is off too: vLLM's server does not speak it, and raw headers are those of HTTP/1.
 */
export function createHttpPool(options: TransportOptions): Pool {
  const { tls } = options;
  return new Pool(`${options.secure ? "https" : "http"}://${options.address}`, {
    allowH2: false,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: options.connectTimeoutMs,
      ...(tls.authorities === undefined ? {} : { ca: tls.authorities }),
      ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
      ...(tls.privateKey === undefined ? {} : { key: tls.privateKey }),
    },
  });
}
