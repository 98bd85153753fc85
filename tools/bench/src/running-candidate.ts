import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { WORK_FOLDER } from "./bench-paths.ts";
import type { Candidate } from "./candidates.ts";
import { PinnedProcess, ROUTER_CORE } from "./pinned-process.ts";
import { nextPorts } from "./ports.ts";

/** A candidate that answers. */
export interface RunningCandidate {
  readonly name: string;
  readonly port: number;
  readonly process: PinnedProcess;
  /** Resident memory before any load, MB. */
  readonly idleMegabytes: number;
  /** From start to the first good answer, milliseconds. */
  readonly readyMs: number;
}

const PROBE = JSON.stringify({ model: "qwen3", max_tokens: 1, messages: [{ role: "user", content: "hi" }] });
/** Good answers in a row that make a candidate ready: one may come before all its workers are known. */
const GOOD_ANSWERS = 5;
const PROBE_MS = 50;

/** Starts a candidate and waits until it serves. @throws Error saying where its log is */
export async function startCandidate(candidate: Candidate, workers: number): Promise<RunningCandidate> {
  const ports = nextPorts();
  const place = { workers, ...ports };
  const logs = join(WORK_FOLDER, "logs");
  mkdirSync(logs, { recursive: true });
  const logPath = join(logs, `${candidate.name}.log`);
  const startedAtMs = performance.now();
  const running = new PinnedProcess({
    core: ROUTER_CORE,
    command: candidate.command(place),
    environment: candidate.environment?.(place) ?? {},
    logPath,
  });
  const deadlineMs = startedAtMs + (candidate.isSlow === true ? 180_000 : 60_000);
  let readyMs: number | undefined;
  for (let good = 0; good < GOOD_ANSWERS;) {
    if (running.isGone || performance.now() > deadlineMs) {
      await running.stop();
      throw new Error(
        `${candidate.name} ${running.isGone ? "ended at its start" : "was not ready in time"}: ${logPath}`,
      );
    }
    if (await answersWell(ports.port)) {
      readyMs ??= performance.now() - startedAtMs;
      good += 1;
    } else {
      await pause(PROBE_MS);
    }
  }
  await pause(workers > 8 ? 2500 : 700);
  return {
    name: candidate.name,
    port: ports.port,
    process: running,
    idleMegabytes: running.residentMegabytes(),
    readyMs: Math.round(readyMs ?? Number.NaN),
  };
}

async function answersWell(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: "POST",
      body: PROBE,
      headers: { "content-type": "application/json", connection: "close" },
      signal: AbortSignal.timeout(5000),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
