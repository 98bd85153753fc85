import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BENCH_FOLDER, WORK_FOLDER } from "../bench-paths.ts";
import { PinnedProcess, ROUTER_CORE } from "../pinned-process.ts";
import type { EngineFleet } from "./engine-fleet.ts";

/** A router and policy under test. */
export interface RoutingCandidate {
  readonly name: string;
  readonly isInstalled: boolean;
  command(place: RoutingPlace): readonly string[];
}

/** Where a candidate listens and what it fronts. */
export interface RoutingPlace {
  readonly fleet: EngineFleet;
  readonly port: number;
  readonly metricsPort: number;
}

const repository = join(BENCH_FOLDER, "..", "..");
const peers = join(WORK_FOLDER, "peers", "bin");

/** Our policies over gRPC and HTTP, and the peers with their best policy for each lane. */
export function routingCandidates(): readonly RoutingCandidate[] {
  return [
    ours("cache_aware", "grpc"),
    // Copies no prefix before the balance thresholds do, as the Rust router.
    ours("cache_aware", "grpc", { waitTokens: 0 }),
    ours("weighted", "grpc"),
    ours("least_load", "grpc"),
    ours("round_robin", "grpc"),
    ours("cache_aware", "http"),
    {
      name: "smg cache_aware, gRPC",
      isInstalled: existsSync(join(peers, "smg")),
      command: ({ fleet, ...place }) => [
        join(peers, "smg"),
        "launch",
        ...peerFlags(place, "cache_aware", "warn"),
        "--worker-urls",
        ...fleet.grpcUrls,
      ],
    },
    {
      name: "Rust vllm-router cache_aware, HTTP",
      isInstalled: existsSync(join(peers, "vllm-router")),
      command: ({ fleet, ...place }) => [
        join(peers, "vllm-router"),
        ...peerFlags(place, "cache_aware", "warning"),
        "--worker-urls",
        ...fleet.httpUrls,
      ],
    },
    {
      name: "Rust vllm-router kv_aware, HTTP",
      isInstalled: existsSync(join(peers, "vllm-router")),
      command: ({ fleet, ...place }) => [
        join(peers, "vllm-router"),
        ...peerFlags(place, "kv_aware", "warning"),
        "--kv-event-model",
        fleet.model,
        ...fleet.httpUrls.flatMap((url, at) => ["--kv-event-source", `${url}=${fleet.eventAddresses[at]}`]),
        "--worker-urls",
        ...fleet.httpUrls,
      ],
    },
  ];
}

function ours(
  policy: string,
  lane: "grpc" | "http",
  parameters: Readonly<Record<string, number>> = {},
): RoutingCandidate {
  const pairs = Object.entries(parameters);
  return {
    name: `vllm-router ${[policy, ...pairs.map(([name, value]) => `${name}=${value}`)].join(":")}, ${lane === "grpc" ? "gRPC" : "HTTP"}`,
    isInstalled: existsSync(join(repository, "apps/router/dist/main.js")),
    command: ({ fleet, port, metricsPort }) => [
      process.execPath,
      join(repository, "apps/router/bin/vllm-router.js"),
      "--port",
      String(port),
      "--prometheus-port",
      String(metricsPort),
      "--log-level",
      "warn",
      "--policy",
      policy,
      ...pairs.flatMap(([name, value]) => [`--policy-parameters.${name}`, String(value)]),
      ...(lane === "grpc" ? [] : ["--tokenizer-path", fleet.tokenizerFolder]),
      "--worker-urls",
      ...(lane === "grpc" ? fleet.grpcUrls : fleet.httpUrls),
    ],
  };
}

function peerFlags(
  { port, metricsPort }: Omit<RoutingPlace, "fleet">,
  policy: string,
  logLevel: string,
): readonly string[] {
  return [
    "--host",
    "127.0.0.1",
    "--port",
    String(port),
    "--policy",
    policy,
    "--prometheus-host",
    "127.0.0.1",
    "--prometheus-port",
    String(metricsPort),
    "--log-level",
    logLevel,
  ];
}

/** Starts a candidate and waits until it has answered well eight times in a row. @throws Error saying where its log is */
export async function startRoutingCandidate(
  candidate: RoutingCandidate,
  place: RoutingPlace,
): Promise<PinnedProcess> {
  const logPath = join(WORK_FOLDER, "logs", `routing-${candidate.name.replaceAll(/\W+/g, "-")}.log`);
  const running = new PinnedProcess({ core: ROUTER_CORE, command: candidate.command(place), logPath });
  const deadlineMs = performance.now() + 90_000;
  for (let good = 0; good < 8;) {
    if (running.isGone || performance.now() > deadlineMs) {
      await running.stop();
      throw new Error(`${candidate.name} did not come up: ${logPath}`);
    }
    if (await answersWell(place, good)) good += 1;
    else await pause(100);
  }
  // All workers known, events subscribed to, loads heard of.
  await pause(2_000);
  return running;
}

async function answersWell({ port, fleet }: RoutingPlace, at: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({
        model: fleet.model,
        max_tokens: 1,
        messages: [{ role: "user", content: `${at}, are you there?` }],
      }),
      headers: { "content-type": "application/json", connection: "close" },
      signal: AbortSignal.timeout(5_000),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
