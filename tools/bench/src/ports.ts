/** First HTTP port of the mock engine's workers; the last of them takes its settings. */
export const FIRST_HTTP_PORT = 19_100;
/** First gRPC port of the mock engine's workers. */
export const FIRST_GRPC_PORT = 19_200;
/** Workers that the mock engine offers. */
export const MOCK_WORKERS = 100;
/** Where the mock engine takes its settings: its last HTTP worker. */
export const ADMIN_PORT = FIRST_HTTP_PORT + MOCK_WORKERS - 1;
/** Ports of candidates, each used once a run so that no connection of the last one lingers. */
const FIRST_CANDIDATE_PORT = 19_300;
const CANDIDATE_PORTS = 90;

/** Where a router that is profiled has its inspector. */
export const INSPECTOR_PORT = FIRST_CANDIDATE_PORT + 2 * 100;

let used = 0;

/** The next port pair of a candidate. */
export function nextPorts(): { readonly port: number; readonly metricsPort: number } {
  const at = used % CANDIDATE_PORTS;
  used += 1;
  return { port: FIRST_CANDIDATE_PORT + at, metricsPort: FIRST_CANDIDATE_PORT + 100 + at };
}

/** Addresses of the first `count` workers. */
export function workerUrls(kind: "grpc" | "http", count: number): readonly string[] {
  const first = kind === "grpc" ? FIRST_GRPC_PORT : FIRST_HTTP_PORT;
  return Array.from({ length: count }, (_, worker) => `${kind}://127.0.0.1:${first + worker}`);
}
