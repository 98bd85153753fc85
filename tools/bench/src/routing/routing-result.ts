import type { Driven } from "./drive.ts";
import type { EngineTotals } from "./engine-fleet.ts";

/** One router on one workload. */
export interface RoutingResult {
  readonly workload: string;
  readonly candidate: string;
  readonly requests: number;
  readonly failures: number;
  /** Share of all prompt tokens that engines had in their caches. */
  readonly hitRatio: number;
  /** Milliseconds. */
  readonly firstP50: number;
  readonly firstP90: number;
  readonly firstP99: number;
  /** Work of the busiest engine as a multiple of the mean: prompt tokens computed, and ten times the tokens generated. */
  readonly spread: number;
}

/** A generated token takes an engine as long as about ten of a prompt. */
const GENERATED_WEIGHT = 10;

/** Puts together what clients and engines saw. */
export function routingResult(
  names: { readonly workload: string; readonly candidate: string },
  driven: Driven,
  totals: { readonly before: readonly EngineTotals[]; readonly after: readonly EngineTotals[] },
): RoutingResult {
  let prompt = 0;
  let cached = 0;
  const work = totals.after.map((after, at) => {
    const before = totals.before[at]!;
    const promptTokens = after.promptTokens - before.promptTokens;
    const cachedTokens = after.cachedTokens - before.cachedTokens;
    prompt += promptTokens;
    cached += cachedTokens;
    return promptTokens - cachedTokens + GENERATED_WEIGHT * (after.generatedTokens - before.generatedTokens);
  });
  const mean = work.reduce((sum, each) => sum + each, 0) / work.length;
  const percentile = (share: number): number =>
    driven.firstTokenMs[
      Math.min(driven.firstTokenMs.length - 1, Math.floor(share * driven.firstTokenMs.length))
    ] ?? Number.NaN;
  return {
    ...names,
    requests: driven.requests,
    failures: driven.failures,
    hitRatio: cached / prompt,
    firstP50: percentile(0.5),
    firstP90: percentile(0.9),
    firstP99: percentile(0.99),
    spread: Math.max(...work) / mean,
  };
}

/** A table of Markdown, one row per candidate; the median of each figure where there are several rounds. */
export function routingTable(results: readonly RoutingResult[]): string {
  const rows = [...new Set(results.map(({ candidate }) => candidate))].map((candidate) => {
    const rounds = results.filter((each) => each.candidate === candidate);
    const of = (read: (result: RoutingResult) => number): number => {
      const ordered = rounds.map(read).toSorted((one, other) => one - other);
      return ordered[Math.floor((ordered.length - 1) / 2)]!;
    };
    const failures = rounds.reduce((sum, each) => sum + each.failures, 0);
    const cells = [
      candidate,
      `${(100 * of((result) => result.hitRatio)).toFixed(1)} %`,
      `${of((result) => result.firstP50).toFixed(0)}, ${of((result) => result.firstP90).toFixed(0)}, ${of((result) => result.firstP99).toFixed(0)}`,
      of((result) => result.spread).toFixed(2),
    ];
    return `| ${cells.join(" | ")} |${failures > 0 ? ` ${failures} failed` : ""}`;
  });
  return [
    "| router, policy | cached | first token p50, p90, p99 ms | busiest / mean |",
    "| --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}
