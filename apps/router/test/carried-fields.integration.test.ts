import {
  CAPABILITIES,
  OPTIONAL_FIELDS,
  type EngineDialect,
  type OptionalField,
} from "@vllm-router/engine-client";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHttpWorker, type HttpWorker } from "./http-worker.ts";
import { startRouter, type TestRouter } from "./start-router.ts";

/** Fields that no request needs of an engine, and why. */
const NOT_NEEDED: Partial<Record<OptionalField, string>> = {
  lora: "an adapter is asked for by the name of a model of its own",
  prompt_logprobs_ranks: "the router derives ranks, or says null",
  session_id: "routing goes by it; an engine that has a place for it is told",
};

/** A request that uses the field. */
const USES: Readonly<Partial<Record<OptionalField, Readonly<Record<string, unknown>>>>> = {
  allowed_token_ids: { allowed_token_ids: [300] },
  bad_words: { bad_words: ["x"] },
  cache_salt: { cache_salt: "salt" },
  ec_transfer_params: { ec_transfer_params: { a: 1 } },
  kv_transfer_params: { kv_transfer_params: { do_remote_decode: true } },
  logit_bias: { logit_bias: { "300": 1 } },
  logprob_token_ids: { logprobs: 1, logprob_token_ids: [300] },
  n: { n: 2, temperature: 1 },
  priority: { priority: 3 },
  prompt_embeds: { prompt: null, prompt_embeds: "AAAA" },
  prompt_logprobs_ranks: { prompt_logprobs: 1 },
  seed: { seed: 2 ** 33 },
  session_id: { session_id: "conversation" },
  structured_outputs: { structured_outputs: { choice: ["a"] } },
  "structured_outputs.disable_any_whitespace": {
    structured_outputs: { json: {}, disable_any_whitespace: true },
  },
  thinking_token_budget: { thinking_token_budget: 5 },
  vllm_xargs: { vllm_xargs: { a: 1 } },
};

/** Engines with a place for tokens come first, in either order among themselves; HTTP workers get what these cannot take. */
const FLEETS: readonly (readonly EngineDialect[])[] = [
  ["vllm-engine"],
  ["vllm-inference"],
  ["http"],
  ["vllm-engine", "vllm-inference"],
  ["vllm-engine", "http"],
  ["vllm-inference", "http"],
  ["vllm-engine", "vllm-inference", "http"],
];

const fields = OPTIONAL_FIELDS.filter((field) => USES[field] !== undefined);

it("knows a request for every field", () => {
  expect(OPTIONAL_FIELDS.filter((field) => USES[field] === undefined)).toEqual([
    // Those of the start of constraints, which have tests of their own.
    "chat_template_kwargs",
    "include_reasoning",
    "lora",
    "reasoning_ended",
    "reasoning_parser_kwargs",
    // Requests that pool have it; their own tests know it.
    "use_activation",
  ]);
});

describe("a field that not every dialect carries", () => {
  let engines: Readonly<Record<"vllm-engine" | "vllm-inference", Simulator>>;
  let worker: HttpWorker;
  const routers = new Map<readonly EngineDialect[], TestRouter>();

  beforeAll(async () => {
    const servedModelNames = ["m"];
    engines = {
      "vllm-engine": await startSimulator({ speed: 0, servedModelNames }),
      "vllm-inference": await startSimulator({ speed: 0, servedModelNames, protocol: "vllm-inference" }),
    };
    worker = await startHttpWorker(["m"], (_request, response) => {
      response.end("{}");
    });
    for (const fleet of FLEETS) {
      const urls = fleet.map((dialect) =>
        dialect === "http" ? worker.url : `http://${engines[dialect].address}`,
      );
      // oxlint-disable-next-line no-await-in-loop -- one start after another is gentler on a small machine
      routers.set(fleet, await startRouter(urls));
    }
  });

  afterAll(async () => {
    for (const router of routers.values()) await router[Symbol.asyncDispose]();
    await Promise.all([worker, ...Object.values(engines)].map(async (each) => each[Symbol.asyncDispose]()));
  });

  /** Who got a request, or how it was refused. */
  async function outcome(
    fleet: readonly EngineDialect[],
    body: Readonly<Record<string, unknown>>,
  ): Promise<string> {
    const counts = (): readonly number[] => [
      engines["vllm-engine"].requests.length,
      engines["vllm-inference"].requests.length,
      worker.requests.length,
    ];
    const before = counts();
    const given = { model: "m", prompt: "Once", max_tokens: 2, temperature: 0, ...body };
    const answer = await routers.get(fleet)?.post("/v1/completions", given);
    const text = (await answer?.text()) ?? "";
    const at = counts().findIndex((count, index) => count > (before[index] ?? 0));
    if (at >= 0) return ["vllm-engine", "vllm-inference", "http"][at] ?? "";
    return `${answer?.status} ${(JSON.parse(text) as { error: { param: string | null } }).error.param}`;
  }

  const cases = FLEETS.flatMap((fleet) => fields.map((field) => ({ fleet, name: fleet.join(", "), field })));

  it.each(cases)("$field in front of $name", async ({ fleet, field }) => {
    const carries = (dialect: EngineDialect): boolean =>
      NOT_NEEDED[field] !== undefined || !CAPABILITIES[dialect].unsupportedFields.has(field);
    const able = fleet.filter(carries);
    const tokens = able.filter((dialect) => dialect !== "http");
    const willing = tokens.length > 0 ? tokens : able;
    // vLLM refuses a budget where no engine was set up for one, whatever it could carry.
    const refusal = field === "thinking_token_budget" ? "400 null" : `501 ${field}`;
    expect(await outcome(fleet, USES[field] ?? {})).toBeOneOf(willing.length > 0 ? willing : [refusal]);
  });

  it("takes a priority anywhere once engines are known to ignore it, also from the header", async () => {
    const [first, second] = [engines["vllm-engine"], engines["vllm-inference"]];
    await using router = await startRouter(
      [`http://${first.address}`],
      ["--engine-scheduling-policy", "fcfs"],
    );
    await using other = await startRouter([`http://${first.address}`, `http://${second.address}`]);
    const body = { model: "m", prompt: "Once", max_tokens: 1 };
    expect((await router.post("/v1/completions", { ...body, priority: 5 })).status).toBe(200);
    for (const [headers, priority, expected] of [
      [{ "x-vllm-priority": "4" }, 0, 4],
      [{ "x-vllm-priority": "high" }, 6, 6],
    ] as const) {
      const answer = await other.post("/v1/completions", { ...body, priority }, { headers });
      expect(answer.status).toBe(200);
      expect(second.requests.at(-1)?.inference?.priority).toBe(expected);
    }
    const count = second.requests.length;
    await using alone = await startRouter([`http://${first.address}`]);
    const refused = await alone.post("/v1/completions", body, { headers: { "x-vllm-priority": "4" } });
    expect([refused.status, await refused.text()]).toEqual([501, expect.stringContaining('"priority"')]);
    expect(second.requests.length).toBe(count);
  });
});
