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

describe("localhost mode", () => {
  it("answers the openai client, streaming and not", async () => {
    const service = await start("M", "--simulator-speed", "0");
    await using running = service.running;
    await running.line(ready);
    const models = await service.client.models.list();
    expect(models.data.map(({ id }) => id)).toEqual(["M"]);

    const whole = await service.client.chat.completions.create({
      model: "M",
      messages,
      max_tokens: 16,
      seed: 1,
      temperature: 0,
    });
    expect(whole.usage?.completion_tokens).toBe(16);
    const stream = await service.client.chat.completions.create({
      model: "M",
      messages,
      max_tokens: 16,
      seed: 1,
      temperature: 0,
      stream: true,
    });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe(whole.choices[0]?.message.content);
    expect(text).not.toBe("");

    running.signal("SIGTERM");
    expect(await running.exit()).toBe(0);
  });

  it("answers 503 with a reason until the engine is ready", async () => {
    const service = await start("M", "--simulator-startup-delay-ms", "1500");
    await using running = service.running;
    const refused: Response[] = [];
    await until("the service is ready", async () => {
      const response = await fetch(`${service.url}/health`).catch(() => undefined);
      if (response?.status === 503) refused.push(response);
      return response?.status === 200;
    });
    expect(refused.length).toBeGreaterThan(0);
    expect((await refused[0]?.text())?.length).toBeGreaterThan(0);
    await running.line(ready);
  });

  it("spreads over several engines", async () => {
    const service = await start("M", "--engine-count", "2", "--router-policy", "round_robin");
    await using running = service.running;
    await running.line(ready);
    expect(running.output).toContain("engine 1 is ready");
    expect(childrenOf(running.pid).filter(({ command }) => command.includes("simulator"))).toHaveLength(2);
  });

  it("goes down in order when an engine dies", async () => {
    const service = await start("M");
    await using running = service.running;
    await running.line(ready);
    const router = child(service, "vllm-router");
    process.kill(child(service, "vllm-simulator"), "SIGKILL");
    expect(await running.exit()).toBe(1);
    expect(running.output).toContain("engine 0 ended unexpectedly (killed by SIGKILL); its last lines:");
    expect(isAlive(router)).toBe(false);
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

  it.each(["SIGTERM", "SIGINT"] as const)("lets a stream end after %s", async (signal) => {
    const service = await start("M", "--simulator-step-ms", "20");
    await using running = service.running;
    await running.line(ready);
    const stream = await service.client.completions.create({
      model: "M",
      prompt: "Once",
      max_tokens: 40,
      stream: true,
    });
    let chunks = 0;
    let finish: string | null | undefined;
    for await (const chunk of stream) {
      if (chunks++ === 0) running.signal(signal);
      finish = chunk.choices[0]?.finish_reason ?? finish;
    }
    expect(finish).toBe("length");
    expect(await running.exit()).toBe(0);
  });

  it("stops at once at the second signal", async () => {
    const service = await start("M", "--simulator-step-ms", "1000");
    await using running = service.running;
    await running.line(ready);
    const pids = childrenOf(running.pid).map(({ pid }) => pid);
    const stream = service.client.completions
      .create({ model: "M", prompt: "Once", max_tokens: 1000, stream: true })
      .then(async (chunks) => {
        for await (const _ of chunks) running.signal("SIGINT");
      })
      .catch(() => "broken");
    await running.line(/SIGINT: running answers may end/);
    // Signals within 300 ms are one, so it is sent until it is heard as the second.
    const again = setInterval(() => {
      running.signal("SIGINT");
    }, 400);
    expect(await running.exit()).toBe(130);
    clearInterval(again);
    await stream;
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it("leaves no process when it is killed", async () => {
    const service = await start("M", "--engine-count", "2");
    await using running = service.running;
    await running.line(ready);
    const pids = childrenOf(running.pid).map(({ pid }) => pid);
    expect(pids).toHaveLength(4); // guard, router, two engines
    running.signal("SIGKILL");
    await until("nothing is left", () => !pids.some(isAlive));
  });
});

describe("the demo", () => {
  it("has a curl line that works when pasted", async () => {
    const port = String(await freePort());
    await using running = new RunningProgram(["--demo", "--port", port, "--router-prometheus-port", "0"]);
    await running.line(ready);
    const [line] = await running.line(/curl .*/);
    const answer = JSON.parse(execFileSync("sh", ["-c", line], { encoding: "utf8" })) as {
      readonly choices: readonly { readonly message: { readonly content: string } }[];
    };
    expect(answer.choices[0]?.message.content).not.toBe("");
    running.signal("SIGINT");
    expect(await running.exit()).toBe(0);
  });

  it("says what to do when its port is taken", async () => {
    const service = await start("M");
    await using running = service.running;
    await running.line(ready);
    const { port } = new URL(service.url);
    await using second = new RunningProgram(["--demo", "--port", port]);
    expect(await second.exit()).toBe(1);
    expect(second.output).toContain(`port ${port} on 127.0.0.1 is in use by another program`);
    expect(second.output).toContain(`vllm-serve --demo --port ${Number(port) + 1}`);
  });
});
