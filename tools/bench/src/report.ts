import type { Measurement, Percentiles } from "./measurement.ts";

const HEADER = [
  "candidate",
  "µs/request (spread)",
  "µs/token",
  "Minstr/request",
  "requests/s",
  "tokens/s",
  "first p50/p99 ms",
  "gap p50/p99 ms",
  "total p50/p99 ms",
  "MB (idle)",
  "errors",
  "ratio",
  "to control",
];

/** The least a Node program can do between client and worker. */
const CONTROL = "pass-through";

/** Markdown table of one scenario: medians over the rounds, ratios of CPU per request to the first candidate and to the control. */
export function reportTable(scenario: string, measurements: readonly Measurement[]): string {
  const candidates = [...new Set(measurements.map(({ candidate }) => candidate))];
  const rows = candidates.map((name) => measurements.filter(({ candidate }) => candidate === name));
  const reference = perRequestOf(rows[0] ?? []);
  const control = perRequestOf(measurements.filter(({ candidate }) => candidate === CONTROL));
  return [
    `## ${scenario}`,
    "",
    `| ${HEADER.join(" | ")} |`,
    `|${"---|".repeat(HEADER.length)}`,
    ...rows.map((row) => `| ${cells(row, { reference, control }).join(" | ")} |`),
    "",
  ].join("\n");
}

function perRequestOf(rounds: readonly Measurement[]): number {
  return median(rounds, ({ router }) => router?.us_per_req);
}

function cells(
  rounds: readonly Measurement[],
  to: { readonly reference: number; readonly control: number },
): readonly string[] {
  const perRequest = perRequestOf(rounds);
  const all = rounds.flatMap(({ router }) => (router === undefined ? [] : [router.us_per_req]));
  const disturbed = rounds.some(({ isDisturbed }) => isDisturbed) ? " (disturbed)" : "";
  const isStream = rounds.some(({ itl_ms: gap }) => gap !== null);
  const instructions = median(rounds, ({ instructionsPerRequest }) => instructionsPerRequest);
  return [
    `${rounds[0]?.candidate}${disturbed}`,
    `${shown(perRequest, 0)} (${shown(Math.min(...all), 0)}-${shown(Math.max(...all), 0)})`,
    isStream
      ? shown(
          median(rounds, ({ router }) => router?.us_per_token),
          2,
        )
      : "",
    shown(instructions / 1e6, 3),
    shown(
      median(rounds, ({ req_s: rate }) => rate),
      0,
    ),
    shown(
      median(rounds, ({ tok_s: rate }) => rate),
      0,
    ),
    pair(rounds, ({ ttft_ms: first }) => first),
    pair(rounds, ({ itl_ms: gap }) => gap),
    pair(rounds, ({ total_ms: total }) => total),
    `${shown(
      median(rounds, ({ router }) => router?.rss_mb),
      0,
    )} (${rounds[0]?.idleMegabytes})`,
    errorsOf(rounds),
    shown(perRequest / to.reference, 2),
    shown(perRequest / to.control, 2),
  ];
}

function pair(rounds: readonly Measurement[], of: (one: Measurement) => Percentiles | null): string {
  const p50 = median(rounds, (one) => of(one)?.p50);
  const p99 = median(rounds, (one) => of(one)?.p99);
  return `${shown(p50, 2)}/${shown(p99, 2)}`;
}

function errorsOf(rounds: readonly Measurement[]): string {
  const counts = new Map<string, number>();
  for (const { errors } of rounds) {
    for (const [kind, count] of Object.entries(errors)) {
      counts.set(kind, (counts.get(kind) ?? 0) + count);
    }
  }
  return counts.size === 0 ? "0" : [...counts].map(([kind, count]) => `${kind} ${count}`).join(", ");
}

function median(rounds: readonly Measurement[], of: (one: Measurement) => number | undefined): number {
  const values = rounds
    .flatMap((one) => of(one) ?? [])
    .filter((value) => !Number.isNaN(value))
    .toSorted((a, b) => a - b);
  return values[Math.floor(values.length / 2)] ?? Number.NaN;
}

function shown(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "–";
}
