/** One kind of load. */
export interface Scenario {
  /** Mock workers behind the router. */
  readonly workers: number;
  /** File of request bodies. */
  readonly bodies: string;
  /** Connections, each with one request at a time. */
  readonly connections: number;
  /** Output tokens of a request. */
  readonly tokens: number;
  readonly stream: boolean;
  /** Milliseconds between two steps of the mock engine; 0 sends all tokens at once. */
  readonly stepMs: number;
  /** The connections open over this time, milliseconds. */
  readonly rampMs?: number;
  /** Seconds before the window. */
  readonly warmupSeconds?: number;
  /** Headers beside those that every request has, as lines. */
  readonly headers?: readonly string[];
  /** Bodies by which each round begins later, so that no round repeats the texts of the one before. */
  readonly spread?: number;
}

const short = { workers: 1, bodies: "short", stream: false, stepMs: 0 } as const;
/** What OpenAI's client for Python says with every request. */
const OPENAI_HEADERS = [
  "accept-encoding: gzip, deflate",
  "connection: keep-alive",
  "accept: application/json",
  "user-agent: AsyncOpenAI/Python 2.8.1",
  "x-stainless-lang: python",
  "x-stainless-package-version: 2.8.1",
  "x-stainless-os: Linux",
  "x-stainless-arch: x64",
  "x-stainless-runtime: CPython",
  "x-stainless-runtime-version: 3.12.3",
  "authorization: Bearer EMPTY",
  "x-stainless-async: async:asyncio",
  "x-stainless-retry-count: 0",
  "x-stainless-read-timeout: 600",
];
const varied = {
  bodies: "varied2k",
  connections: 64,
  tokens: 16,
  stream: false,
  stepMs: 0,
  spread: 1500,
} as const;
const long = { workers: 1, connections: 8, tokens: 16, stream: false, stepMs: 0 } as const;

/** Every kind of load by name; what each shows stands in the README. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  s1: { ...short, connections: 64, tokens: 1 },
  s1o: { ...short, connections: 64, tokens: 1, headers: OPENAI_HEADERS },
  s2a: { ...short, connections: 256, tokens: 64, stream: true, stepMs: 10, rampMs: 640, warmupSeconds: 2 },
  s2b: {
    ...short,
    connections: 1000,
    tokens: 64,
    stream: true,
    stepMs: 10,
    rampMs: 1000,
    warmupSeconds: 2.5,
  },
  s3: { ...short, connections: 32, tokens: 64, stream: true },
  s4: { ...varied, workers: 4 },
  s4f: { ...varied, workers: 4, bodies: "fresh2k", spread: 7000 },
  s5a: { ...short, connections: 1, tokens: 1 },
  s5b: { ...short, connections: 1, tokens: 16, stream: true },
  s7w1: { ...varied, workers: 1 },
  s7w8: { ...varied, workers: 8 },
  s7w64: { ...varied, workers: 64 },
  s8a: { ...long, bodies: "long32k", spread: 75 },
  s8b: { ...long, bodies: "long128k", spread: 25 },
  s8f32: { ...long, bodies: "fresh32k", spread: 900 },
  s8f128: { ...long, bodies: "fresh128k", spread: 200 },
  s8t32: { ...long, bodies: "turns32k", spread: 880 },
  s8t128: { ...long, bodies: "turns128k", spread: 160 },
  s9: {
    ...varied,
    workers: 4,
    connections: 256,
    tokens: 64,
    stream: true,
    stepMs: 10,
    rampMs: 640,
    warmupSeconds: 2,
  },
};

/** A scenario by name. @throws RangeError naming the known ones */
export function scenarioOf(name: string): Scenario {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) {
    throw new RangeError(`unknown scenario ${name}; known are ${Object.keys(SCENARIOS).join(", ")}`);
  }
  return scenario;
}
