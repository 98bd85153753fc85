import { connect } from "node:net";
import { startSimulator, type Simulator, type SimulatorOptions } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const PROMPT = "The quick brown fox jumps over the lazy dog. ".repeat(12);
const BODY = { model: "sim", prompt: PROMPT, max_tokens: 8, temperature: 0 };
const INTERVAL_MS = 50;

let nextHost = 1;

/** An engine that announces itself at a router, on an address of its own. */
function startEngine(
  router: TestRouter,
  role: "kv_producer" | "kv_consumer",
  options: SimulatorOptions = {},
): Promise<Simulator> {
  nextHost += 1;
  return startSimulator({
    speed: 0,
    servedModelNames: ["sim"],
    host: `127.0.3.${nextHost}`,
    kvConnector: { role },
    announces: { to: router.router.discoveryAddress ?? "", intervalMs: INTERVAL_MS },
    ...options,
  });
}

function start(flags: readonly string[] = []): Promise<TestRouter> {
  return startRouter(
    [],
    [
      "--vllm-pd-disaggregation",
      "--vllm-discovery-address",
      "127.0.0.1:0",
      "--vllm-discovery-timeout-secs",
      "0.5",
      ...(flags.includes("--kv-connector") ? [] : ["--kv-connector", "moriio"]),
      "--health-check-interval-secs",
      "1",
      ...flags,
    ],
    { waitForWorkers: false },
  );
}

async function complete(router: TestRouter, prompt = PROMPT): Promise<string> {
  const answer = await router.post("/v1/completions", { ...BODY, prompt });
  const text = await answer.text();
  expect([answer.status, answer.status === 200 ? "" : text]).toEqual([200, ""]);
  return (JSON.parse(text) as { choices: { finish_reason: string }[] }).choices[0]?.finish_reason ?? "";
}

const ready = (router: TestRouter, count: number): Promise<void> =>
  eventually(`${count} are ready`, () => router.router.readyWorkers() === count);

describe("engines that announce themselves", () => {
  it.each([
    ["gRPC", {}],
    ["HTTP", { httpPort: 0 }],
    ["HTTP, with ranks", { httpPort: 0, dataParallelSize: 2 }],
  ])("are added and paired, over %s", async (_what, options) => {
    await using router = await start();
    expect((await fetch(`${router.url}/readiness`)).status).toBe(503);
    await using prefill = await startEngine(router, "kv_producer", options);
    await using decode = await startEngine(router, "kv_consumer", options);
    await ready(router, 2);
    for (const at of [0, 1, 2]) {
      // oxlint-disable-next-line no-await-in-loop -- in turns
      expect(await complete(router, `${at} ${PROMPT}`)).toBe("length");
    }
    expect(prefill.kvTransfers).toMatchObject({ handedOver: 3, held: 0 });
    expect(decode.kvTransfers).toMatchObject({ fetched: 3, missing: 0 });
    const { workers } = (await (await fetch(`${router.url}/workers`)).json()) as {
      workers: { worker_type: string }[];
    };
    expect(workers.map(({ worker_type: type }) => type).toSorted()).toEqual(["decode", "prefill"]);
  });

  it("are kept by what they say, removed after silence, and added again", async () => {
    await using router = await start();
    await using prefill = await startEngine(router, "kv_producer");
    await using decode = await startEngine(router, "kv_consumer");
    await ready(router, 2);
    await prefill.kill();
    await eventually("it is gone", () => router.logText().includes(`"removed"`));
    expect(await complete(router)).toBe("length");
    expect(decode.kvTransfers).toMatchObject({ fetched: 0 });
    await prefill.restart();
    await ready(router, 2);
    expect(await complete(router, `Again. ${PROMPT}`)).toBe("length");
    expect(decode.kvTransfers).toMatchObject({ fetched: 1, missing: 0 });
  });

  it("join those that the configuration names, which stay", async () => {
    await using named = await startSimulator({
      speed: 0,
      servedModelNames: ["sim"],
      host: "127.0.3.200",
      kvConnector: { role: "kv_consumer", handshakePort: 6301, notifyPort: 61_005 },
    });
    await using router = await start(["--decode", `http://${named.address}`]);
    await using prefill = await startEngine(router, "kv_producer");
    await ready(router, 2);
    expect(await complete(router)).toBe("length");
    expect(named.kvTransfers).toMatchObject({ fetched: 1, missing: 0 });
    expect(prefill.kvTransfers).toMatchObject({ handedOver: 1 });
  });

  it("are not added when they are set to another mode, which is logged once", async () => {
    await using router = await start(["--moriio-transfer-mode", "read"]);
    await using prefill = await startEngine(router, "kv_producer");
    expect(prefill.moriio?.mode).toBe("write");
    const said = (): number => router.logText().split("--moriio-transfer-mode").length - 1;
    await eventually("it is logged", () => said() > 0);
    await using reading = await startEngine(router, "kv_producer", {
      kvConnector: { role: "kv_producer", mode: "read" },
    });
    await ready(router, 1);
    expect([said(), reading.runningRequests]).toEqual([1, 0]);
  });

  it("have their bootstrap server at the default port over Mooncake", async () => {
    await using router = await start(["--kv-connector", "mooncake"]);
    const mooncake = { kvConnector: "mooncake", bootstrapPort: 8998 } as const;
    const at = (role: "P" | "D"): SimulatorOptions => ({
      ...mooncake,
      announces: { to: router.router.discoveryAddress ?? "", intervalMs: INTERVAL_MS, role },
    });
    await using prefill = await startEngine(router, "kv_producer", at("P"));
    await using decode = await startEngine(router, "kv_consumer", at("D"));
    await ready(router, 2);
    expect(await complete(router)).toBe("length");
    expect(prefill.kvTransfers).toMatchObject({ handedOver: 1 });
    expect(decode.kvTransfers).toMatchObject({ fetched: 1, missing: 0 });
  });
});

describe("hostile peers", () => {
  it("change nothing, and are logged", async () => {
    await using router = await start();
    const port = Number(router.router.discoveryAddress?.split(":").at(-1));
    for (const bytes of ["GET / HTTP/1.1\r\n\r\n".padEnd(64), "\u00ff".repeat(4096)]) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(bytes, "latin1");
    }
    await using stranger = await startSimulator({
      speed: 0,
      announces: { to: `127.0.0.1:${port}`, intervalMs: INTERVAL_MS },
    });
    await eventually("both are logged", () =>
      ["ZMTP", "does not say where its MoRI-IO"].every((text) => router.logText().includes(text)),
    );
    expect(stranger.requests).toEqual([]);
    await using prefill = await startEngine(router, "kv_producer");
    await using decode = await startEngine(router, "kv_consumer");
    await ready(router, 2);
    expect(await complete(router)).toBe("length");
    expect([prefill.kvTransfers?.handedOver, decode.kvTransfers?.fetched]).toEqual([1, 1]);
  });

  it("cannot take the address from another program: the start fails", async () => {
    await using router = await start();
    const taken = router.router.discoveryAddress ?? "";
    await expect(start(["--vllm-discovery-address", taken])).rejects.toMatchObject({ code: "listen" });
  });
});
