import { Agent, request } from "node:http";
import type { Client, Workload } from "./workloads.ts";

/** What clients saw. */
export interface Driven {
  readonly requests: number;
  readonly failures: number;
  /** Time to first token of every request, milliseconds, in order of size. */
  readonly firstTokenMs: readonly number[];
}

interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** Lets all clients of a workload talk to the server at a port; ends when the last of them has been answered. */
export async function drive(workload: Workload, port: number, model: string): Promise<Driven> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1_024 });
  const firstTokenMs: number[] = [];
  let failures = 0;
  await Promise.all(
    workload.clients.map(async (client) => {
      await pause(client.startMs);
      failures += await talk(client, { agent, port, model, firstTokenMs });
    }),
  );
  agent.destroy();
  return {
    requests: firstTokenMs.length + failures,
    failures,
    firstTokenMs: firstTokenMs.toSorted((one, other) => one - other),
  };
}

interface Target {
  readonly agent: Agent;
  readonly port: number;
  readonly model: string;
  readonly firstTokenMs: number[];
}

async function talk(client: Client, target: Target): Promise<number> {
  const messages: Message[] = client.system === "" ? [] : [{ role: "system", content: client.system }];
  let failures = 0;
  for (const turn of client.turns) {
    await pause(turn.pauseMs);
    messages.push({ role: "user", content: turn.text });
    const body = {
      model: target.model,
      messages,
      max_tokens: turn.maxTokens,
      ignore_eos: true,
      temperature: 0,
      stream: true,
    };
    const answer = await ask(JSON.stringify(body), target);
    if (answer === undefined) {
      failures += 1;
      continue;
    }
    target.firstTokenMs.push(answer.firstMs);
    messages.push({ role: "assistant", content: answer.text });
  }
  return failures;
}

function ask(
  body: string,
  { agent, port }: Target,
): Promise<{ readonly firstMs: number; readonly text: string } | undefined> {
  return new Promise((resolve) => {
    const startedAtMs = performance.now();
    let firstMs: number | undefined;
    let received = "";
    const outgoing = request(
      {
        agent,
        host: "127.0.0.1",
        port,
        path: "/v1/chat/completions",
        method: "POST",
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
        timeout: 60_000,
      },
      (response) => {
        response.setEncoding("utf8");
        response.on("data", (text: string) => {
          received += text;
          if (firstMs === undefined && /"content": ?"[^"]/.test(received)) {
            firstMs = performance.now() - startedAtMs;
          }
        });
        response.on("end", () => {
          if (response.statusCode !== 200 || firstMs === undefined) resolve(undefined);
          else resolve({ firstMs, text: textOf(received) });
        });
        response.on("error", () => resolve(undefined));
      },
    );
    outgoing.on("timeout", () => outgoing.destroy());
    outgoing.on("error", () => resolve(undefined));
    outgoing.end(body);
  });
}

function textOf(events: string): string {
  let text = "";
  for (const line of events.split("\n")) {
    if (line.startsWith("data: {")) {
      const chunk = JSON.parse(line.slice(6)) as {
        readonly choices?: readonly { readonly delta?: { readonly content?: string | null } }[];
      };
      text += chunk.choices?.[0]?.delta?.content ?? "";
    }
  }
  return text;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
