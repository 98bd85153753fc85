import type { Measurement } from "./measurement.ts";

/** Two candidates that ran in one comparison, and what they ran under. */
export interface Pair {
  readonly base: string;
  readonly change: string;
  /** Measurements by scenario, in the order of the rounds. */
  readonly byScenario: ReadonlyMap<string, readonly Measurement[]>;
}

const HEADER = [
  "scenario",
  "base µs/request (spread)",
  "change µs/request (spread)",
  "difference (spread)",
  "",
];

/**
 * Markdown table of what a change costs or saves in CPU time per request. The difference is the median of the rounds' own ratios,
 * since the two ran one after the other in each; it counts as one only when all rounds agree on its direction.
 */
export function differenceTable({ base, change, byScenario }: Pair): string {
  const rows = [...byScenario].map(([scenario, measurements]) => {
    const before = costs(measurements, base);
    const after = costs(measurements, change);
    const ratios = after.slice(0, before.length).map((cost, round) => cost / (before[round] ?? Number.NaN));
    return [scenario, spread(before), spread(after), percentages(ratios), verdict(ratios)];
  });
  return [
    `| ${HEADER.join(" | ")} |`,
    `|${"---|".repeat(HEADER.length)}`,
    ...rows.map((row) => `| ${row.join(" | ")} |`),
    "",
  ].join("\n");
}

function costs(measurements: readonly Measurement[], name: string): readonly number[] {
  return measurements.flatMap(({ candidate, router }) =>
    candidate === name && router !== undefined && router.us_per_req > 0 ? [router.us_per_req] : [],
  );
}

function spread(values: readonly number[]): string {
  if (values.length === 0) {
    return "–";
  }
  return `${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)}-${Math.max(...values).toFixed(0)})`;
}

function percentages(ratios: readonly number[]): string {
  if (ratios.length === 0) {
    return "–";
  }
  const signed = (ratio: number): string =>
    `${ratio < 1 ? "−" : "+"}${Math.abs((ratio - 1) * 100).toFixed(0)} %`;
  return `${signed(median(ratios))} (${signed(Math.min(...ratios))} to ${signed(Math.max(...ratios))})`;
}

function verdict(ratios: readonly number[]): string {
  if (ratios.length === 0) {
    return "not measured";
  }
  if (ratios.every((ratio) => ratio < 1)) {
    return "cheaper";
  }
  return ratios.every((ratio) => ratio > 1) ? "dearer" : "within the noise";
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
