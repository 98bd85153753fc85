import { afterAll, beforeAll, describe, expect, it } from "vitest";
import OpenAI from "openai";
import { type GatedRelay, startGatedRelay } from "../harness/gated-relay.ts";
import { ENGINE_FLAGS, startProgram, type RunningProgram } from "../harness/program.ts";

const PREFILL_PORT = 18_381;
const DECODE_PORT = 18_382;
const RELAY_PORT = 18_383;
/** Where a decode engine that is asked over gRPC serves its metrics, if it does. */
const DECODE_HTTP_PORT = 18_384;
const PORT = 18_380;
const BASE = `http://127.0.0.1:${PORT}`;
const START_MS = 360_000;
const HANDSHAKES = 5;
const PROMPT = "A long story about a router and the engines behind it, told slowly. ".repeat(20);
const KV_TRANSFER = JSON.stringify({
  kv_connector: "NixlConnector",
  kv_role: "kv_both",
  kv_buffer_device: "cpu",
});

/** `VllmEngine`, HTTP, or `vllm.Inference`. */
type Scheme = "grpc" | "http" | "inference";

const SCHEMES: readonly Scheme[] = ["grpc", "http", "inference"];

describe.each(SCHEMES)("two real engines with NixlConnector over %s", (scheme) => {
  let prefill: RunningProgram;
  let decode: RunningProgram;
  let router: RunningProgram;
  const before = new Map<string, number>();
  /** In front of the decode engine: a test decides when the second leg goes out. */
  let relay: GatedRelay;
  const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: "unused", maxRetries: 0 });

  beforeAll(async () => {
    relay = await startGatedRelay(RELAY_PORT, DECODE_PORT);
    prefill = startEngine(scheme, "prefill");
    decode = startEngine(scheme, "decode");
    router = startProgram("vllm-router", [
      "--vllm-pd-disaggregation",
      "--prefill",
      `${scheme === "http" ? "http" : "grpc"}://127.0.0.1:${PREFILL_PORT}`,
      "--decode",
      `${scheme === "http" ? "http" : "grpc"}://127.0.0.1:${RELAY_PORT}`,
      "--kv-connector",
      "nixl",
      "--port",
      String(PORT),
      "--prometheus-port",
      "0",
      "--worker-startup-check-interval",
      "1",
      "--enable-prompt-tokens-details",
    ]);
    await router.ready(`${BASE}/health`, START_MS);
    await shakeHands();
  }, START_MS);

  afterAll(async () => {
    await end(router, "SIGKILL");
    await end(prefill, scheme === "http" ? "SIGTERM" : "SIGKILL");
    await end(decode, scheme === "grpc" ? "SIGKILL" : "SIGTERM");
    await relay[Symbol.asyncDispose]();
  });

  function complete(prompt: string, extra: object = {}): Promise<OpenAI.Completion> {
    const asked = { model: "tiny-qwen3", prompt, max_tokens: 24, temperature: 0, ...extra };
    return client.completions.create({ ...asked, stream: false });
  }

  async function streamedTokens(content: string): Promise<number> {
    const stream = await client.chat.completions.create({
      model: "tiny-qwen3",
      messages: [{ role: "user", content }],
      max_tokens: 16,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    });
    let tokens = 0;
    for await (const chunk of stream) {
      tokens = chunk.usage?.completion_tokens ?? tokens;
    }
    return tokens;
  }

  /**
   * Two engines shake hands at the first prompt that one fetches from the other, for which vLLM gives them five seconds: too few for engines that
   * have just started on a slow machine. The router then has the prompt computed elsewhere. Counting begins once it went well.
   */
  async function shakeHands(): Promise<void> {
    for (let attempt = 0; attempt < HANDSHAKES; attempt += 1) {
      const fallbacks = await metric("vllm_router_pd_fallbacks_total");
      await complete(`Hello ${attempt}. ${PROMPT}`);
      if ((await metric("vllm_router_pd_fallbacks_total")) === fallbacks) {
        break;
      }
    }
    const names = ["prefill_requests", "fallbacks", "prefill_errors"];
    for (const name of names.map((part) => `vllm_router_pd_${part}_total`)) {
      before.set(name, await metric(name));
    }
  }

  /** What a metric of the router has risen by since then. All errors up to then were blocks that were not fetched. */
  async function since(name: string, label = ""): Promise<number> {
    return (await metric(name, label)) - (before.get(name) ?? 0);
  }

  /** Sum of a metric's values whose labels have `label`. */
  async function metric(name: string, label = "", base = BASE): Promise<number> {
    const text = await (await fetch(`${base}/metrics`)).text();
    return [...text.matchAll(new RegExp(`^${name}(\\{[^}]*\\})? ([0-9.e+]+)$`, "gm"))]
      .filter(([, labels = ""]) => labels.includes(label))
      .reduce((sum, [, , value]) => sum + Number(value), 0);
  }

  /** Prompt tokens by the decode engine's own count, of one source or of all. */
  function promptTokens(label = ""): Promise<number> {
    return metric(
      "vllm:prompt_tokens_by_source_total",
      label,
      `http://127.0.0.1:${scheme === "http" ? DECODE_PORT : DECODE_HTTP_PORT}`,
    );
  }

  it("hands the prompt's blocks over, all of them", async () => {
    const answer = await complete(PROMPT);
    const divided = answer.choices[0]?.text ?? "";
    expect(answer.usage?.completion_tokens).toBe(24);
    expect(await since("vllm_router_pd_prefill_requests_total")).toBe(1);
    expect(await since("vllm_router_pd_fallbacks_total")).toBe(0);
    // Prompt logprobs are not handed over, and an engine that is asked for them computes the whole prompt.
    const local = await complete(PROMPT, { prompt_logprobs: 0 });
    expect(local.choices[0]?.text).toBe(divided);
    expect(await since("vllm_router_pd_prefill_requests_total")).toBe(1);
  });

  it("streams over both engines", async () => {
    expect(await streamedTokens(`Another one. ${PROMPT}`)).toBe(16);
    expect(await since("vllm_router_pd_prefill_requests_total")).toBe(2);
  });

  // A VllmEngine has no such figures.
  it.runIf(scheme !== "grpc")(
    "has the prefill engine compute the prompt, by the decode engine's own count",
    async () => {
      const fetchedBefore = await promptTokens('source="external_kv_transfer"');
      const allBefore = await promptTokens();
      const answer = await complete(`Counted. ${PROMPT}`);
      const fetched = (await promptTokens('source="external_kv_transfer"')) - fetchedBefore;
      expect((await promptTokens()) - allBefore).toBe(answer.usage?.prompt_tokens);
      // An engine computes the last token of a prompt that it holds whole: that makes the first new one.
      expect(fetched / answer.usage!.prompt_tokens).toBeGreaterThan(0.99);
    },
  );

  // Who kills `vllm serve` leaves its engine process alive: that would be no death.
  describe.runIf(scheme !== "http")("when the prefill engine dies", () => {
    it("loses no request between its answer and the fetch", async () => {
      relay.shut();
      const running = Promise.all([
        streamedTokens(`A third one. ${PROMPT}`),
        complete(`A fourth one. ${PROMPT}`).then(({ usage }) => usage?.completion_tokens),
      ]);
      try {
        await expect
          .poll(() => since("vllm_router_pd_prefill_requests_total"), { timeout: 60_000 })
          .toBe(scheme === "grpc" ? 4 : 5);
        await end(prefill, "SIGKILL");
      } finally {
        relay.open();
      }
      expect(await running).toEqual([16, 24]);
      expect(await since("vllm_router_pd_prefill_errors_total", 'error_type="not_fetched"')).toBe(2);
      expect(await since("vllm_router_pd_fallbacks_total")).toBe(2);
    });

    it("answers the next ones without it", async () => {
      const answers = await Promise.all(
        Array.from({ length: 4 }, (_, at) => complete(`${at} of them. ${PROMPT}`)),
      );
      expect(answers.map(({ usage }) => usage?.completion_tokens)).toEqual([24, 24, 24, 24]);
    });
  });
});

/** Ends a program; vllm-serve's guard ends its engine with it, whatever the signal. */
async function end(program: RunningProgram, signal: NodeJS.Signals): Promise<void> {
  if (program.child.exitCode === null && program.child.signalCode === null) {
    await program.stop(signal, 60_000);
  }
  await program.nothingLeft(60_000);
}

function startEngine(scheme: Scheme, leg: "prefill" | "decode"): RunningProgram {
  const isPrefill = leg === "prefill";
  const port = String(isPrefill ? PREFILL_PORT : DECODE_PORT);
  const flags = [...ENGINE_FLAGS, "--host", "127.0.0.1", "--kv-transfer-config", KV_TRANSFER];
  const environment = {
    UCX_TLS: "tcp,self,sm",
    UCX_NET_DEVICES: "lo",
    VLLM_NIXL_SIDE_CHANNEL_HOST: "127.0.0.1",
    VLLM_NIXL_SIDE_CHANNEL_PORT: String(isPrefill ? 18_391 : 18_392),
  };
  if (scheme === "http") {
    return startProgram("vllm", ["serve", "tiny-qwen3", "--port", port, ...flags], environment);
  }
  if (scheme === "inference" && !isPrefill) {
    // Its own program, for its metrics; vllm-serve gives its HTTP side a port that nobody knows.
    const ports = ["--grpc-port", port, "--port", String(DECODE_HTTP_PORT)];
    return startProgram("vllm-rs", ["serve", "tiny-qwen3", ...ports, ...flags], environment);
  }
  const engine = scheme === "grpc" ? "vllm" : "vllm-rs";
  const own = ["tiny-qwen3", "--headless", "--engine", engine, "--port", port];
  return startProgram("vllm-serve", [...own, ...flags], environment);
}
