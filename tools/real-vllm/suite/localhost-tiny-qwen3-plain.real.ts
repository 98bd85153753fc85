import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENGINE_FLAGS, startProgram, type RunningProgram } from "../harness/program.ts";
import { checkTranscripts } from "../harness/transcript-check.ts";
import { UNCARRIED_FIELDS } from "../harness/uncarried-fields.ts";

const PORT = 18_350;
const BASE = `http://127.0.0.1:${PORT}`;

describe("vllm-serve tiny-qwen3 --enable-router-as-api-server, without parsers", () => {
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
      groups: ["beam-search", "text-*"],
      uncarriedFields: UNCARRIED_FIELDS,
    });
    console.log(
      `tiny-qwen3 without parsers: ${result.equal} equal, ${result.chunking} chunking, ${result.wording.length} wording only, ${result.listed.length} on the list, ${result.different.length} different`,
    );
    console.log([...result.wording, ...result.listed].join("\n"));
    expect(result.different).toEqual([]);
    expect(result.equal).toBeGreaterThan(200);
  });
});
