import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { EndpointCounts } from "./results.ts";

/** What became of the recorded fuzz bodies of one endpoint. */
export interface FuzzResult {
  readonly counts: EndpointCounts;
  /** Described; empty when the endpoint answers as vLLM does. */
  readonly different: readonly string[];
}

interface Report {
  readonly groups: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly details: readonly {
    readonly id: string;
    readonly verdict: string;
    readonly status: readonly [number, number];
    readonly request: unknown;
    readonly got: string;
    readonly want: string;
  }[];
}

/**
 * Sends recorded bodies to a server and compares with what vLLM answered.
 * @returns by endpoint
 */
export async function checkFuzz(options: {
  readonly baseUrl: string;
  /** Name of a file of `fuzz/recorded`. */
  readonly recording: string;
  /** Ids of cases that are known to differ, with the reason. */
  readonly known: Readonly<Record<string, string>>;
}): Promise<ReadonlyMap<string, FuzzResult>> {
  const folder = join(import.meta.dirname, "..", "fuzz");
  const args = [
    join(folder, "fuzz.py"),
    "check",
    options.baseUrl,
    join(folder, "recorded", `${options.recording}.jsonl`),
    "--json",
  ];
  const { stdout } = await promisify(execFile)("python3", args, { maxBuffer: 256 * 1024 * 1024 }).catch(
    (error: { stdout?: string; stderr?: string }) => {
      if (error.stdout === undefined || error.stdout === "") {
        throw new Error(`the comparison itself failed: ${error.stderr ?? ""}`);
      }
      return { stdout: error.stdout };
    },
  );
  const report = JSON.parse(stdout) as Report;
  const results = new Map<string, FuzzResult>();
  for (const [group, verdicts] of Object.entries(report.groups)) {
    const endpoint = group.replace(/^fuzz:/, "");
    const differing = report.details.filter(
      ({ id, verdict }) => id.startsWith(`${endpoint}#`) && verdict === "different",
    );
    const unknown = differing.filter(({ id }) => options.known[id] === undefined);
    results.set(endpoint, {
      counts: {
        equal: verdicts["equal"] ?? 0,
        chunking: verdicts["chunking"] ?? 0,
        wording: verdicts["wording"] ?? 0,
        listed: verdicts["listed"] ?? 0,
        different: differing.length,
      },
      different: unknown.map(
        ({ id, status, request, got, want }) =>
          `${id}: ${status.join(" for ")}, ${got.slice(0, 300)} for ${want.slice(0, 300)}: ${JSON.stringify(request).slice(0, 500)}`,
      ),
    });
  }
  return results;
}
