import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENGINE_FLAGS, startProgram, type RunningProgram } from "../harness/program.ts";
import { CLIENT_CHECKS, runClientChecks } from "../harness/client-checks.ts";
import { checkFuzz } from "../harness/fuzz-check.ts";
import { reportFigures } from "../harness/results.ts";
import { checkTranscripts } from "../harness/transcript-check.ts";
import { UNCARRIED_FIELDS } from "../harness/uncarried-fields.ts";

/** What the server of the recordings was started with. */
const RECORDED_FLAGS = [
  "--enable-scale-out",
  "--enable-auto-tool-choice",
  "--tool-call-parser",
  "hermes",
  "--reasoning-parser",
  "qwen3",
] as const;

const NOT_COMPARED = [
  // Metrics have a port of their own.
  "routes/get/metrics",
  // Counts what earlier recordings had left in the engine's cache.
  "responses/tools-required",
  // Recorded with --structured-outputs-config '{"enable_in_reasoning": true}'.
  "generate/structured",
  "parsers/qwen3-empty",
  "parsers/qwen3-empty.stream",
];

const FUZZED = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/responses",
  "/v1/messages",
  "/v1/messages/count_tokens",
  "/tokenize",
  "/detokenize",
  "/inference/v1/generate",
  "/v1/chat/completions/render",
  "/v1/completions/render",
  "/v1/messages/render",
  "/v1/responses/render",
  "/generative_scoring",
  "/v1/systemone",
  "/v1/chat/completions/batch",
  "/invocations",
];

/** Recordings of fuzz bodies, by their seeds. */
const SEEDS = { 2026: "tiny-qwen3", 4711: "tiny-qwen3-4711", 90_210: "tiny-qwen3-90210" } as const;

const PORT = 18_320;
const BASE = `http://127.0.0.1:${PORT}`;

describe("vllm-serve tiny-qwen3 --enable-router-as-api-server", () => {
  let program: RunningProgram;

  beforeAll(async () => {
    program = startProgram("vllm-serve", [
      "tiny-qwen3",
      "--enable-router-as-api-server",
      "--host",
      "127.0.0.1",
      "--port",
      String(PORT),
      "--router-prometheus-port",
      "0",
      ...RECORDED_FLAGS,
      ...ENGINE_FLAGS,
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
      model: "tiny-qwen3",
      groups: [
        "chat-*",
        "comp-*",
        "conversations",
        "derender",
        "generate",
        "messages",
        "mixed-*",
        "parsers",
        "render",
        "responses",
        "routes",
        "scoring",
        "batch-hidden",
        "structured",
        "structured-refusals",
        "tokenize",
      ],
      uncarriedFields: UNCARRIED_FIELDS,
      except: NOT_COMPARED,
    });
    console.log(
      `tiny-qwen3: ${result.equal} equal, ${result.chunking} chunking, ${result.wording.length} wording only, ${result.listed.length} on the list, ${result.different.length} different`,
    );
    console.log([...result.wording, ...result.listed].join("\n"));
    reportFigures("recorded cases, tiny-qwen3", result.endpoints);
    expect(result.different).toEqual([]);
    expect(result.equal).toBeGreaterThan(450);
  });

  describe.each(Object.entries(SEEDS))("fuzz bodies of seed %s", (_seed, recording) => {
    let results: Awaited<ReturnType<typeof checkFuzz>>;

    beforeAll(async () => {
      results = await checkFuzz({ baseUrl: BASE, recording, known: {} });
      reportFigures(
        `fuzz bodies, ${recording}`,
        Object.fromEntries([...results].map(([endpoint, { counts }]) => [endpoint, counts])),
      );
    });

    it.each(FUZZED)("%s answers them as vLLM's own server did", (endpoint) => {
      expect(results.get(endpoint)?.different).toEqual([]);
      expect(results.get(endpoint)?.counts.equal).toBeGreaterThan(40);
    });
  });

  describe("official Python clients", () => {
    let failures: Awaited<ReturnType<typeof runClientChecks>>;

    beforeAll(async () => {
      failures = await runClientChecks({ baseUrl: BASE, model: "tiny-qwen3", kind: "generating" });
    });

    it.each(CLIENT_CHECKS)("%s", (name) => {
      expect(failures.has(name)).toBe(true);
      expect(failures.get(name)).toBe("");
    });
  });

  it("leaves no process when it is killed", async () => {
    expect(await program.stop("SIGKILL", 10_000)).toBe("SIGKILL");
    await program.nothingLeft(30_000);
    expect(program.left()).toEqual([]);
  });
});
