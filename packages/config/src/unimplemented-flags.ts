/** A flag of the Rust router or of vLLM's front end that stops the start, since it would not be honoured. */
export interface UnimplementedFlag {
  /** Name without dashes. */
  readonly flag: string;
  /** Where users know it from. */
  readonly from: "router" | "vllm";
  /** What to do, as the second half of a sentence. */
  readonly instead: string;
}

const LEAVE_OUT = "leave it out";
const NEVER_LOGGED = "leave it out: prompts and answers are never logged";
const ONE_LEG = "list the engines with --prefill and --decode";
const LIST_WORKERS = "list the engines with --worker-urls";
const NO_PYTHON = "the router runs no Python";

/** Known flags without an implementation, by what to do instead. */
const groups: readonly {
  readonly from: UnimplementedFlag["from"];
  readonly instead: string;
  readonly flags: readonly string[];
}[] = [
  {
    from: "router",
    instead: "run it inside a private network",
    flags: ["api-key-validation-urls"],
  },
  {
    from: "router",
    instead: ONE_LEG,
    flags: ["pd-disaggregation", "prefill-selector", "decode-selector"],
  },
  {
    from: "router",
    instead: LIST_WORKERS,
    flags: [
      "service-discovery",
      "selector",
      "service-discovery-port",
      "service-discovery-namespace",
      "enable-igw",
    ],
  },
  {
    from: "router",
    instead: "say --intra-node-data-parallel-size for HTTP workers; gRPC engines tell their ranks",
    flags: ["data-parallel-size", "dp-aware"],
  },
  {
    from: "router",
    instead: "redirect the log of standard output",
    flags: ["log-dir"],
  },
  {
    from: "router",
    instead: LEAVE_OUT,
    flags: [
      "backend",
      "runtime",
      "enable-trace",
      "otlp-traces-endpoint",
      "otel-sampling-ratio",
      "otel-excluded-paths",
      "history-backend",
      "profile",
      "enable-program-scheduling",
      "program-scheduling-config-json",
      "wasm-middleware",
      "wasm-middleware-sha256",
      "wasm-middleware-route",
      "mini-lb",
      "kv-model",
      "kv-tokenizer-path",
      "kv-hash-algo",
      "kv-block-size",
      "kv-hash-seed",
    ],
  },
  {
    from: "router",
    instead: "limit with --max-concurrent-requests",
    flags: ["rate-limit-tokens-per-second"],
  },
  {
    from: "vllm",
    instead: NEVER_LOGGED,
    flags: ["enable-log-requests", "enable-log-outputs", "enable-log-deltas", "max-log-len"],
  },
  {
    from: "vllm",
    instead: LEAVE_OUT,
    flags: ["tool-server"],
  },
  {
    from: "vllm",
    instead: NO_PYTHON,
    flags: ["middleware", "tool-parser-plugin", "reasoning-parser-plugin", "io-processor-plugin"],
  },
  {
    from: "vllm",
    instead: LEAVE_OUT,
    flags: [
      "lora-modules",
      "trust-request-mm-kwargs",
      "allowed-local-media-path",
      "allowed-media-domains",
      "media-io-kwargs",
      "interleave-mm-strings",
      "log-config-file",
      "per-request-spec-decode-metrics",
      "reasoning-effort-budgets",
      "anthropic-disabled-thinking-effort",
      "cohere-format",
      "cohere-is-reasoning-model",
      "enable-flash-late-interaction",
    ],
  },
];

/** Every known flag that is not implemented yet. A name never is both here and in the schema. */
export const unimplementedFlags: readonly UnimplementedFlag[] = groups.flatMap(({ from, instead, flags }) =>
  flags.map((flag) => ({ flag, from, instead })),
);
