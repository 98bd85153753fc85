import { execFileSync } from "node:child_process";

import OpenAI from "openai";
import { describe, expect, it } from "vitest";

import { childrenOf, freePort, isAlive, RunningProgram, until } from "./running-program.ts";

interface Service {
  readonly running: RunningProgram;
  readonly url: string;
  readonly client: OpenAI;
}

/** Starts engines without a GPU and the router, on a free port. */
async function start(...args: readonly string[]): Promise<Service> {
  const port = String(await freePort());
  const fixed = "--enable-router-as-api-server --engine simulator --host 127.0.0.1";
  const running = new RunningProgram([
    ...fixed.split(" "),
    `--port=${port}`,
    "--router-prometheus-port=0",
    ...args,
  ]);
  const url = `http://127.0.0.1:${port}`;
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "none", maxRetries: 0 });
  return { running, url, client };
}

const ready = /vllm-router is ready on/;
const messages = [{ role: "user" as const, content: "Tell me a story." }];

function child(service: Service, name: string): number {
  const found = childrenOf(service.running.pid).find(({ command }) => command.includes(name));
  if (found === undefined) throw new Error(`no child is called ${name}`);
  return found.pid;
}

/** Several programs start one after the other, on machines that are busy with other tests. */
const timeout = 90_000;

describe("localhost mode", { timeout }, () => {
  it("answers 503 until the engine is ready, then the openai client, and drains at SIGTERM", async () => {
    const service = await start("M", "--simulator-startup-delay-ms=1500", "--simulator-step-ms=20");
    await using running = service.running;
    const refused: Response[] = [];
    await until("the service is ready", async () => {
      const response = await fetch(`${service.url}/health`).catch(() => undefined);
      if (response?.status === 503) refused.push(response);
      return response?.status === 200;
    });
    expect((await refused[0]?.text())?.length).toBeGreaterThan(0);
    await running.line(ready);
    const models = await service.client.models.list();
    expect(models.data.map(({ id }) => id)).toEqual(["M"]);

    const request = { model: "M", messages, max_tokens: 40, seed: 1, ignore_eos: true };
    const whole = await service.client.chat.completions.create(request);
    expect(whole.usage?.completion_tokens).toBe(40);
    const stream = await service.client.chat.completions.create({ ...request, stream: true });
    let text = "";
    let chunks = 0;
    for await (const chunk of stream) {
      if (chunks++ === 1) running.signal("SIGTERM");
      text += chunk.choices[0]?.delta.content ?? "";
    }
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(text).not.toBe("");
    expect(await running.exit()).toBe(0);
  });

  it("goes down in order when one of the engines dies", async () => {
    const service = await start("M", "--engine-count", "2", "--router-policy", "round_robin");
    await using running = service.running;
    await running.line(ready);
    const pids = childrenOf(running.pid).map(({ pid }) => pid);
    expect(pids).toHaveLength(4); // guard, router, two engines
    process.kill(child(service, "vllm-simulator"), "SIGKILL");
    expect(await running.exit()).toBe(1);
    expect(running.output).toMatch(
      /engine \d ended unexpectedly \(killed by SIGKILL\); its last lines:\n +vllm-simulator: M on/,
    );
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it("goes down when the router dies", async () => {
    const service = await start("M");
    await using running = service.running;
    await running.line(ready);
    const engine = child(service, "vllm-simulator");
    process.kill(child(service, "vllm-router"), "SIGKILL");
    expect(await running.exit()).toBe(1);
    expect(running.output).toContain("router ended unexpectedly (killed by SIGKILL)");
    expect(isAlive(engine)).toBe(false);
  });

  it("stops at once at the second signal", async () => {
    const service = await start("M", "--simulator-step-ms", "100");
    await using running = service.running;
    await running.line(ready);
    const pids = childrenOf(running.pid).map(({ pid }) => pid);
    const request = { model: "M", prompt: "Once", max_tokens: 1500, ignore_eos: true };
    const stream = await service.client.completions.create({ ...request, stream: true });
    const reading = (async (): Promise<string> => {
      for await (const _ of stream);
      return "ended";
    })().catch(() => "broken");
    running.signal("SIGINT");
    await running.line(/SIGINT: running answers may end/);
    running.signal("SIGTERM");
    expect(await running.exit()).toBe(130);
    expect(await reading).toBe("broken");
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it("leaves no process when it is killed", async () => {
    const service = await start("M");
    await using running = service.running;
    await running.line(ready);
    const pids = childrenOf(running.pid).map(({ pid }) => pid);
    running.signal("SIGKILL");
    await until("nothing is left", () => !pids.some(isAlive));
    expect(pids.length).toBeGreaterThan(0);
  });
});

describe("the demo", { timeout }, () => {
  it("has a curl line that works when pasted, and says so when its port is taken", async () => {
    const port = String(await freePort());
    await using running = new RunningProgram(["--demo", `--port=${port}`, "--router-prometheus-port=0"]);
    await running.line(ready);
    const [line] = await running.line(/curl .*/);
    const answer = JSON.parse(execFileSync("sh", ["-c", line], { encoding: "utf8" })) as {
      readonly choices: readonly { readonly message: { readonly content: string } }[];
    };
    expect(answer.choices[0]?.message.content).not.toBe("");

    await using second = new RunningProgram(["--demo", "--port", port]);
    expect(await second.exit()).toBe(1);
    expect(second.output).toContain(`port ${port} on 127.0.0.1 is in use by another program`);
    expect(second.output).toContain(`vllm-serve --demo --port ${Number(port) + 1}`);
    running.signal("SIGINT");
    expect(await running.exit()).toBe(0);
    // Lines for a person, and none for the probes that waited for the engines.
    expect(running.output).toMatch(/^\[router\] \d\d:\d\d:\d\d INFO {2}listening on http/m);
    expect(running.output).not.toContain("/health");
  });

  it("asks for the key of the environment, and its curl line sends it", async () => {
    const port = String(await freePort());
    const key = { VLLM_API_KEY: "a-key" };
    await using running = new RunningProgram(["--demo", `--port=${port}`, "--router-prometheus-port=0"], key);
    await running.line(ready);
    const models = `http://127.0.0.1:${port}/v1/models`;
    expect((await fetch(models)).status).toBe(401);
    const [line] = await running.line(/curl .*/);
    const environment = { ...process.env, ...key };
    expect(execFileSync("sh", ["-c", line], { encoding: "utf8", env: environment })).toContain('"choices"');
    expect(running.output).not.toContain("a-key");
    running.signal("SIGINT");
    expect(await running.exit()).toBe(0);
  });
});
