import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { POOLING_CLIENT_CHECKS, runClientChecks } from "../harness/client-checks.ts";
import { checkFuzz } from "../harness/fuzz-check.ts";
import { startProgram, type RunningProgram } from "../harness/program.ts";
import { reportFigures } from "../harness/results.ts";
import { checkTranscripts } from "../harness/transcript-check.ts";
import { UNCARRIED_FIELDS } from "../harness/uncarried-fields.ts";

const PORT = 18_340;
const BASE = `http://127.0.0.1:${PORT}`;

/** Small, and with the same numbers every time, as in the recordings. */
const POOLING_ENGINE_FLAGS = [
  "--dtype",
  "float32",
  "--enforce-eager",
  "--runner",
  "pooling",
  "--max-num-seqs",
  "16",
  "--seed",
  "0",
] as const;

/** Images of `/v2/embed` have no way to a gRPC engine either; they are no field of a generation. */
const UNCARRIED: ReadonlySet<string> = new Set([...UNCARRIED_FIELDS, "images"]);

const FUZZED = [
  "/v1/embeddings",
  "/v2/embed",
  "/pooling",
  "/score",
  "/v1/score",
  "/rerank",
  "/v1/rerank",
  "/v2/rerank",
  "/tokenize",
  "/detokenize",
  "/invocations",
];

describe("vllm-serve minilm --enable-router-as-api-server", () => {
  let program: RunningProgram;

  beforeAll(async () => {
    program = startProgram("vllm-serve", [
      "minilm",
      "--enable-router-as-api-server",
      "--host",
      "127.0.0.1",
      "--port",
      String(PORT),
      "--router-prometheus-port",
      "0",
      ...POOLING_ENGINE_FLAGS,
    ]);
    await program.ready(`${BASE}/health`, 300_000);
  });

  afterAll(async () => {
    if (program.child.exitCode === null && program.child.signalCode === null) {
      await program.stop("SIGKILL", 30_000);
    }
    await program.nothingLeft(60_000);
  });

  it("answers the recorded cases as vLLM's own server did", async () => {
    const result = await checkTranscripts({
      baseUrl: BASE,
      model: "minilm",
      groups: ["embeddings", "pooling*"],
      uncarriedFields: UNCARRIED,
    });
    console.log(
      `minilm: ${result.equal} equal, ${result.wording.length} wording only, ${result.listed.length} on the list, ${result.different.length} different`,
    );
    console.log([...result.wording, ...result.listed].join("\n"));
    reportFigures("recorded cases, minilm", result.endpoints);
    expect(result.different).toEqual([]);
    expect(result.equal).toBeGreaterThan(600);
  });

  describe("fuzz bodies", () => {
    let results: Awaited<ReturnType<typeof checkFuzz>>;

    beforeAll(async () => {
      results = await checkFuzz({ baseUrl: BASE, recording: "minilm", known: {} });
      reportFigures(
        "fuzz bodies, minilm",
        Object.fromEntries([...results].map(([endpoint, { counts }]) => [endpoint, counts])),
      );
    });

    it.each(FUZZED)("%s answers them as vLLM's own server did", (endpoint) => {
      expect(results.get(endpoint)?.different).toEqual([]);
      expect(results.get(endpoint)?.counts.equal).toBeGreaterThan(70);
    });
  });

  describe("official Python client", () => {
    let failures: Awaited<ReturnType<typeof runClientChecks>>;

    beforeAll(async () => {
      failures = await runClientChecks({ baseUrl: BASE, model: "minilm", kind: "pooling" });
    });

    it.each(POOLING_CLIENT_CHECKS)("%s", (name) => {
      expect(failures.has(name)).toBe(true);
      expect(failures.get(name)).toBe("");
    });
  });

  it("serves the official client", async () => {
    const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: "unused", maxRetries: 0 });
    const input = [
      "A man is eating food.",
      "A man is eating a piece of bread.",
      "The girl is carrying a baby.",
    ];
    const { data, usage } = await client.embeddings.create({ model: "minilm", input });
    const [first, near, far] = data.map(({ embedding }) => embedding);
    const dot = (a: readonly number[] = [], b: readonly number[] = []): number =>
      a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
    expect(data.map(({ embedding }) => embedding.length)).toEqual([384, 384, 384]);
    expect(dot(first, first)).toBeCloseTo(1, 5);
    expect(dot(first, near)).toBeGreaterThan(0.6);
    expect(dot(first, far)).toBeLessThan(0.2);
    expect(usage.prompt_tokens).toBe(usage.total_tokens);
  });

  it("embeds a thousand texts of one request", async () => {
    const input = Array.from({ length: 1000 }, (_, at) => `Text number ${at}.`);
    const response = await fetch(`${BASE}/v1/embeddings`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "minilm", input, encoding_format: "bytes_only" }),
    });
    expect(response.status).toBe(200);
    expect((await response.arrayBuffer()).byteLength).toBe(1000 * 384 * 4);
  });

  it("ends with everything it started on SIGTERM", async () => {
    expect(await program.stop("SIGTERM", 90_000)).toBe(0);
    await program.nothingLeft(30_000);
    expect(program.left()).toEqual([]);
  });
});
