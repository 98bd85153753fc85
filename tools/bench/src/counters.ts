import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";

/** Hardware counters of a process tree over a window. */
export interface Counters {
  readonly instructions: number;
  readonly cycles: number;
}

const EVENTS = "instructions:u,instructions:k,cycles:u,cycles:k";

/**
 * Counts with `perf stat` for `seconds`, beginning after `delaySeconds`. Instructions hardly change when other work shares
 * the machine; inside a virtual machine the counters themselves cost CPU time.
 * @returns undefined where `perf` is missing or the counters are not available
 */
export async function countTree(
  pids: readonly number[],
  window: { readonly delaySeconds: number; readonly seconds: number },
): Promise<Counters | undefined> {
  await pause(window.delaySeconds * 1000);
  const perf = spawn(
    "perf",
    ["stat", "-x", ",", "-e", EVENTS, "-p", pids.join(","), "--", "sleep", String(window.seconds)],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let output = "";
  perf.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = await new Promise<boolean>((resolve) => {
    perf.once("error", () => resolve(false));
    perf.once("close", () => resolve(true));
  });
  return ended ? readCounters(output) : undefined;
}

function readCounters(output: string): Counters | undefined {
  const counts = new Map(
    output
      .split("\n")
      .map((line) => line.split(","))
      .map((fields) => [fields[2] ?? "", Number(fields[0])] as const)
      .filter(([name, count]) => name !== "" && !Number.isNaN(count)),
  );
  const sum = (name: string): number =>
    (counts.get(`${name}:u`) ?? Number.NaN) + (counts.get(`${name}:k`) ?? Number.NaN);
  const result = { instructions: sum("instructions"), cycles: sum("cycles") };
  return Number.isNaN(result.instructions) ? undefined : result;
}
