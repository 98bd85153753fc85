import { createRequire } from "node:module";
import type * as Undici from "undici";
import type { TransportOptions } from "../transport/transport-options.ts";

const require = createRequire(import.meta.url);

/**
 * Connections to one HTTP engine. Answers may take as long as their deadline allows, so the client's own limits are off.
 * HTTP/2 is off too: vLLM's server does not speak it, and raw headers are those of HTTP/1.
 */
export function createHttpPool(options: TransportOptions): Undici.Pool {
  const { tls } = options;
  // Not imported: loading it takes 0.15 s of a start, and routers whose client of HTTP engines is not this one do without.
  const undici = require("undici") as typeof Undici;
  return new undici.Pool(`${options.secure ? "https" : "http"}://${options.address}`, {
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
