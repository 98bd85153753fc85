/** How a flag's value is written. */
export type FlagKind = "text" | "texts" | "count" | "number" | "switch" | "fault" | "level";

/** One flag of the program. */
export interface Flag {
  /** Without dashes; the first name is the one messages use. */
  readonly names: readonly [string, ...string[]];
  readonly kind: FlagKind;
  readonly help: string;
  /** Least value of a count or number. */
  readonly least?: number;
}

/** Every flag of `vllm-simulator`. Names that vLLM has mean the same here. */
export const flagTable = {
  model: {
    names: ["model"],
    kind: "text",
    help: "local model directory; also as first argument (default: built in)",
  },
  embeddingSize: {
    names: ["embedding-size"],
    kind: "count",
    least: 1,
    help: "embed into so many numbers instead of generating (it generates)",
  },
  servedModelNames: {
    names: ["served-model-name"],
    kind: "texts",
    help: "names of the model, one or several",
  },
  protocol: {
    names: ["protocol"],
    kind: "text",
    help: "what the gRPC server speaks: vllm-engine or vllm-inference (vllm-engine)",
  },
  host: { names: ["host"], kind: "text", help: "address of the gRPC server (127.0.0.1)" },
  port: { names: ["port"], kind: "count", help: "port of the gRPC server, 0 = a free one (0)" },
  httpPort: {
    names: ["http-port"],
    kind: "count",
    help: "port of the small HTTP face, 0 = a free one (none)",
  },
  promptTokensDetails: {
    names: ["enable-prompt-tokens-details"],
    kind: "switch",
    help: "usage of the HTTP face says how many prompt tokens were cached",
  },
  maxModelLen: {
    names: ["max-model-len"],
    kind: "count",
    least: 2,
    help: "tokens of prompt and output together",
  },
  blockSize: { names: ["block-size"], kind: "count", least: 1, help: "tokens in a KV block (16)" },
  kvBlocks: {
    names: ["kv-blocks", "num-gpu-blocks-override"],
    kind: "count",
    least: 2,
    help: "KV blocks of a rank, one of them a placeholder (4096)",
  },
  maxNumSeqs: { names: ["max-num-seqs"], kind: "count", least: 1, help: "sequences that run at once (256)" },
  maxNumBatchedTokens: {
    names: ["max-num-batched-tokens"],
    kind: "count",
    least: 1,
    help: "tokens computed in one step (8192)",
  },
  maxLogprobs: { names: ["max-logprobs"], kind: "count", help: "most alternatives in logprobs (20)" },
  stepMs: { names: ["step-ms"], kind: "number", help: "base time of a step in milliseconds (8)" },
  sequenceMs: {
    names: ["sequence-ms"],
    kind: "number",
    help: "time each decoding sequence adds to a step (0.05)",
  },
  prefillTokensPerSecond: {
    names: ["prefill-tokens-per-second"],
    kind: "number",
    least: 1,
    help: "prompt tokens computed per second (20000)",
  },
  speed: { names: ["speed"], kind: "number", help: "divides every time; 0 = as fast as the machine can (1)" },
  seed: {
    names: ["seed"],
    kind: "count",
    help: "of the token model; the same seed gives the same tokens (0)",
  },
  dataParallelSize: {
    names: ["dp-size", "data-parallel-size"],
    kind: "count",
    least: 1,
    help: "data-parallel ranks (1)",
  },
  startupDelayMs: {
    names: ["startup-delay-ms"],
    kind: "number",
    help: "time until health turns to SERVING (0)",
  },
  noKvEvents: { names: ["no-kv-events"], kind: "switch", help: "SubscribeKvEvents answers UNIMPLEMENTED" },
  kvEventsConfig: {
    names: ["kv-events-config"],
    kind: "text",
    help: "vLLM's JSON; with publisher zmq (the default once enabled) KV events go out by ZMQ as well",
  },
  faults: { names: ["fault"], kind: "fault", help: "what goes wrong, repeatable; see below" },
  logLevel: { names: ["log-level"], kind: "level", help: "info, warn or error (info)" },
  ignoreUnknown: {
    names: ["ignore-unknown-flags"],
    kind: "switch",
    help: "name flags this program does not have in one line and go on",
  },
  help: { names: ["help"], kind: "switch", help: "this text" },
} as const satisfies Readonly<Record<string, Flag>>;

/** The text of `--help`. */
export function helpText(): string {
  const lines = Object.values<Flag>(flagTable).map(({ names, kind, help }) => {
    const value = kind === "switch" ? "" : ` ${kind.toUpperCase()}`;
    return `  ${names.map((name) => `--${name}`).join(", ")}${value}\n      ${help}`;
  });
  return [
    "vllm-simulator [MODEL] [flags]: a vLLM engine without a GPU, over gRPC",
    "",
    ...lines,
    "",
    "Faults: refuse=RATE  error-status=NAME  hang  slow=FACTOR  die-after-tokens=N  drop-stream-after=N",
    "        stall-stream-after=N  goaway=N  (of N calls on a connection)  lose-kv-batches=N  repeat-kv-batches=N",
    "",
  ].join("\n");
}
