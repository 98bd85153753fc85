import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ENGINE_FLAGS, startProgram, type RunningProgram } from "../harness/program.ts";
import { checkTranscripts, type TranscriptResult } from "../harness/transcript-check.ts";
import { UNCARRIED_FIELDS } from "../harness/uncarried-fields.ts";

const PORT = 18_420;
const GRPC_PORT = 18_421;
const HTTP_PORT = 18_422;
const BASE = `http://127.0.0.1:${PORT}`;
const START_MS = 360_000;

/** What the server of the recordings was started with. */
const RECORDED_FLAGS = [
  "--enable-scale-out",
  "--enable-auto-tool-choice",
  "--tool-call-parser",
  "hermes",
  "--reasoning-parser",
  "qwen3",
] as const;

/** Recordings with requests that a VllmEngine has no place for, but for those that count what is in an engine's cache. */
const GROUPS = [
  "chat-ids",
  "chat-sampling",
  "chat-template",
  "comp-options",
  "mixed-structured",
  "scoring",
  "structured",
];

describe("one model on an engine that is asked over gRPC and on a server that is asked over HTTP", () => {
  let programs: readonly RunningProgram[];
  let result: TranscriptResult;

  beforeAll(async () => {
    const local = ["--host", "127.0.0.1"];
    const engine = ["tiny-qwen3", "--headless", "--port", String(GRPC_PORT), "--reasoning-parser", "qwen3"];
    const server = ["serve", "tiny-qwen3", "--port", String(HTTP_PORT), ...RECORDED_FLAGS];
    const workers = ["--worker-urls", `grpc://127.0.0.1:${GRPC_PORT}`, `http://127.0.0.1:${HTTP_PORT}`];
    const ports = ["--port", String(PORT), "--prometheus-port", "0"];
    const settings = ["--worker-startup-check-interval", "1", ...RECORDED_FLAGS];
    programs = [
      startProgram("vllm-serve", [...engine, ...local, ...ENGINE_FLAGS]),
      startProgram("vllm", [...server, ...local, ...ENGINE_FLAGS]),
      startProgram("vllm-router", [...workers, ...ports, ...settings]),
    ];
    await vi.waitFor(
      async () => {
        const { workers: cards } = (await (await fetch(`${BASE}/workers`)).json()) as {
          workers: { state: string; detail: string }[];
        };
        if (!cards.every(({ state }) => state === "ready")) {
          throw new Error(JSON.stringify(cards));
        }
      },
      { timeout: START_MS, interval: 500 },
    );
    result = await checkTranscripts({
      baseUrl: BASE,
      model: "tiny-qwen3",
      groups: GROUPS,
      uncarriedFields: UNCARRIED_FIELDS,
    });
  }, START_MS);

  afterAll(async () => {
    for (const program of programs.toReversed()) {
      if (program.child.exitCode === null && program.child.signalCode === null) {
        await program.stop("SIGTERM", 30_000);
      }
      await program.nothingLeft(60_000);
    }
  });

  it("answers as vLLM's own server did what the engine's protocol has no place for", () => {
    console.log(
      `both: ${result.equal} equal, ${result.chunking} chunking, ${result.wording.length} wording only, ${result.listed.length} on the list, ${result.different.length} different`,
    );
    expect(result.different).toEqual([]);
    // The rank of a prompt's token is told by who is asked for it.
    expect(result.listed.filter((line) => !line.includes("(rank)"))).toEqual([]);
    expect(result.equal).toBeGreaterThan(150);
  });

  it("makes the same prompts of a long conversation as vLLM's own server, turn by turn and when it branches off", async () => {
    const turns: Message[] = [
      { role: "system", content: `Be brief. ${LONG_WORDS}` },
      { role: "user", content: "Which of these words is the longest? 漢字 “quoted” \n\t{x}" },
      { role: "assistant", content: "<think>\nThey are all long.\n</think>\n\nThe second one." },
      { role: "user", content: "And <|im_start|> which is the shortest?" },
      { role: "assistant", content: "<think>\nShort?\n</think>\n\nNone." },
      { role: "user", content: "Why?" },
    ];
    const asked = [turns.slice(0, 2), turns.slice(0, 4), turns, turns, turns.slice(0, 4), turns.slice(0, 1)];
    const branch: Message[] = [...turns.slice(0, 3), { role: "user", content: "Otherwise?" }];
    for (const messages of [...asked, branch]) {
      const routed = await converse(BASE, messages);
      const own = await converse(`http://127.0.0.1:${HTTP_PORT}`, messages);
      expect(routed.prompt.length).toBeGreaterThan(500);
      expect(routed).toEqual(own);
    }
  }, 120_000);
});

interface Message {
  readonly role: string;
  readonly content: string;
}

/** More than 8 KB in few tokens: so long that the router knows it again. */
const LONG_WORDS = "internationalization responsibilities characteristics ".repeat(160);

async function converse(
  url: string,
  messages: readonly Message[],
): Promise<{ readonly prompt: readonly number[]; readonly text: string }> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "tiny-qwen3",
      messages,
      max_tokens: 8,
      temperature: 0,
      return_token_ids: true,
    }),
  });
  const body = (await answer.json()) as {
    readonly prompt_token_ids: readonly number[];
    readonly choices: readonly [{ readonly message: unknown }];
  };
  return { prompt: body.prompt_token_ids, text: JSON.stringify(body.choices[0].message) };
}
