import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ENGINE_FLAGS, startProgram, type RunningProgram } from "../harness/program.ts";

const PORT = 18_430;
const TUNED_PORT = 18_431;
const PLAIN_PORT = 18_432;
const BASE = `http://127.0.0.1:${PORT}`;
const TUNED = `http://127.0.0.1:${TUNED_PORT}`;
const PLAIN = `grpc://127.0.0.1:${PLAIN_PORT}`;
/** vLLM's blocks on the CPU. */
const BLOCK = 128;
const START_MS = 360_000;
const PROBE_MS = 30_000;

const promptOf = (identity: number, length: number): number[] =>
  Array.from({ length }, (_, position) => 1_000 + ((identity * 7_919 + position * 31) % 100_000));

/** The publisher dials the router, which tells it by its topic. */
const EVENTS = JSON.stringify({
  enable_kv_cache_events: true,
  publisher: "zmq",
  endpoint: `tcp://127.0.0.1:${PORT + 10}`,
  replay_endpoint: `tcp://*:${PORT + 20}`,
  topic: "kv@tuned@tiny-qwen3",
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly worker: string;
  readonly matched: number;
  readonly cached: number;
}

/** An adapter can be asked for where HTTP is spoken: the protocol of a VllmEngine has no place for it. */
describe("a LoRA adapter on one of two real engines", () => {
  let programs: readonly RunningProgram[];

  beforeAll(async () => {
    const local = ["--host", "127.0.0.1", ...ENGINE_FLAGS];
    const adapter = ["--enable-lora", "--max-lora-rank", "8", "--lora-modules", "tuned=tiny-qwen3-adapter"];
    const counts = ["--enable-prompt-tokens-details"];
    const tuned = ["serve", "tiny-qwen3", "--port", String(TUNED_PORT), "--kv-events-config", EVENTS];
    const plain = ["tiny-qwen3", "--headless", "--port", String(PLAIN_PORT)];
    const router = ["--worker-urls", TUNED, PLAIN, "--port", String(PORT), "--prometheus-port", "0"];
    const checks = ["--worker-startup-check-interval", "1", "--health-check-interval-secs", "1"];
    const knowledge = ["--model-path", "tiny-qwen3", "--enable-explain"];
    const listens = ["--kv-events-bind", `tcp://127.0.0.1:${PORT + 10}`];
    programs = [
      startProgram("vllm", [...tuned, ...local, ...adapter, ...counts], {
        VLLM_ALLOW_RUNTIME_LORA_UPDATING: "1",
      }),
      startProgram("vllm-serve", [...plain, ...local]),
      startProgram("vllm-router", [...router, ...checks, ...knowledge, ...listens, ...counts]),
    ];
    await vi.waitFor(
      async () => {
        const { workers } = (await (await fetch(`${BASE}/workers`)).json()) as {
          workers: { state: string; detail: string }[];
        };
        if (!workers.every(({ state }) => state === "ready")) {
          throw new Error(JSON.stringify(workers));
        }
      },
      { timeout: START_MS, interval: 500 },
    );
  }, START_MS);

  afterAll(async () => {
    for (const program of programs.toReversed()) {
      if (program.child.exitCode === null && program.child.signalCode === null) {
        await program.stop("SIGTERM", 30_000);
      }
      await program.nothingLeft(60_000);
    }
  });

  it("is listed as its server lists it", async () => {
    const card = async (url: string): Promise<unknown> => {
      const { data } = (await (await fetch(`${url}/v1/models`)).json()) as { data: { id: string }[] };
      const { permission, created, ...rest } = data.find(({ id }) => id === "tuned") as unknown as {
        permission: unknown[];
        created: number;
      };
      expect([permission.length, created > 0]).toEqual([1, true]);
      return rest;
    };
    expect(await card(BASE)).toEqual(await card(TUNED));
  });

  it("has every request for its name and no other, and the text of its server, which is not the model's own", async () => {
    for (let identity = 0; identity < 8; identity += 1) {
      const prompt = promptOf(identity, 40);
      const own = textOf(await ask(TUNED, "tuned", prompt));
      const routed = await ask(BASE, "tuned", prompt);
      expect([routed.worker, textOf(routed)]).toEqual([TUNED, own]);
      const plain = await ask(BASE, "tiny-qwen3", prompt);
      expect(plain.worker).toBe(PLAIN);
      expect(textOf(plain)).not.toBe(own);
    }
  });

  it("keeps what its requests leave in the cache apart from the model's, as the engine does", async () => {
    const prompt = promptOf(50, 300);
    expect(placed(await ask(BASE, "tuned", prompt))).toEqual({ worker: TUNED, matched: 0, cached: 0 });
    const again = { worker: TUNED, matched: 2 * BLOCK, cached: 2 * BLOCK };
    await vi.waitFor(
      async () => {
        expect(placed(await ask(BASE, "tuned", prompt))).toEqual(again);
      },
      { timeout: PROBE_MS, interval: 200 },
    );
    // Asked by hand, since the router prefers the engine that speaks gRPC for the model itself.
    expect((await ask(TUNED, "tiny-qwen3", prompt)).cached).toBe(0);
    expect((await ask(TUNED, "tuned", prompt)).cached).toBe(2 * BLOCK);
  });

  it("is known by the events of its engine, whose publisher dials the router", async () => {
    const metrics = await (await fetch(`${BASE}/metrics`)).text();
    expect(metrics.split("\n")).toContainEqual(
      expect.stringMatching(new RegExp(`^vllm_router_kv_event_batches_total\\{worker="${TUNED}"\\} [1-9]`)),
    );
  });

  it("refuses a name that nobody serves as vLLM does", async () => {
    const routed = await ask(BASE, "nope", [1_000]);
    const own = await ask(TUNED, "nope", [1_000]);
    expect([routed.status, JSON.parse(routed.text)]).toEqual([own.status, JSON.parse(own.text)]);
  });

  it("is known when it comes and goes while everything runs", async () => {
    await change("load", { lora_name: "late", lora_path: "tiny-qwen3-adapter" });
    const prompt = promptOf(60, 40);
    await vi.waitFor(
      async () => {
        expect(await ask(BASE, "late", prompt)).toMatchObject({ status: 200, worker: TUNED });
      },
      { timeout: PROBE_MS, interval: 500 },
    );
    expect(textOf(await ask(BASE, "late", prompt))).toBe(textOf(await ask(BASE, "tuned", prompt)));
    await change("unload", { lora_name: "late" });
    await vi.waitFor(
      async () => {
        expect(await ask(BASE, "late", prompt)).toMatchObject({ status: 404, worker: "" });
      },
      { timeout: PROBE_MS, interval: 500 },
    );
  });
});

const placed = ({ worker, matched, cached }: Answer): unknown => ({ worker, matched, cached });

function textOf({ status, text }: Answer): string {
  if (status !== 200) {
    throw new Error(`${status} ${text}`);
  }
  return (JSON.parse(text) as { choices: [{ text: string }] }).choices[0].text;
}

async function ask(url: string, model: string, prompt: readonly number[]): Promise<Answer> {
  const answer = await fetch(`${url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-vllm-router-explain": "1" },
    body: JSON.stringify({ model, prompt, max_tokens: 8, temperature: 0 }),
  });
  const text = await answer.text();
  const header = answer.headers.get("x-vllm-router-decision") ?? "";
  const [, worker = "", matched = "0"] = /place=([^;]+);.*matched=(\d+)/.exec(header) ?? [];
  const { usage } = JSON.parse(text) as {
    usage?: { prompt_tokens_details: { cached_tokens: number } | null };
  };
  const cached = usage?.prompt_tokens_details?.cached_tokens ?? 0;
  return { status: answer.status, text, worker, matched: Number(matched), cached };
}

/** Asks the server itself, as somebody who knows nothing of the router. */
async function change(what: "load" | "unload", body: object): Promise<void> {
  const answer = await fetch(`${TUNED}/v1/${what}_lora_adapter`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (answer.status !== 200) {
    throw new Error(`${answer.status} ${await answer.text()}`);
  }
}
