/** How to reach an engine securely. */
export interface TlsOptions {
  /** PEM of the certificate authorities to trust instead of the system's. */
  readonly authorities?: string;
  /** PEM of the certificate to show. */
  readonly certificate?: string;
  /** PEM of the key of that certificate. */
  readonly privateKey?: string;
}

/** Where and how to connect. */
export interface TransportOptions {
  /** `host:port`. */
  readonly address: string;
  readonly secure: boolean;
  readonly tls: TlsOptions;
  /** Longest wait for a connection. */
  readonly connectTimeoutMs: number;
  /** Pause between the pings that find dead connections; the answer has to come within the same time. */
  readonly keepAliveMs: number;
  /** Bytes of one stream that are taken from the network before somebody reads them. */
  readonly streamWindowBytes: number;
  /** Larger messages of the engine are refused. */
  readonly maxMessageBytes: number;
  /** After so many calls a connection is replaced: stream ids run out at 2^30. */
  readonly maxCallsPerConnection: number;
}

/**
 * Defaults. The ping interval is well above the 10 s that vLLM's gRPC server demands between pings on an idle connection;
 * the largest answers are prompt logprobs (128,000 tokens with 20 alternatives each: some 30 MB).
 */
export const DEFAULT_TRANSPORT_OPTIONS = {
  tls: {},
  connectTimeoutMs: 5_000,
  keepAliveMs: 30_000,
  streamWindowBytes: 256 * 1024,
  maxMessageBytes: 64 * 1024 * 1024,
  maxCallsPerConnection: 1_000_000_000,
} as const satisfies Omit<TransportOptions, "address" | "secure">;
