import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How cases of one endpoint were answered, compared with vLLM's own server. */
export interface EndpointCounts {
  readonly equal: number;
  /** Only the cut of a stream into chunks differs. */
  readonly chunking: number;
  readonly wording: number;
  /** Refused by name, or without what the protocol does not report: the closed list of docs/compatibility.md. */
  readonly listed: number;
  readonly different: number;
}

/** Figures of one kind of run, by endpoint. */
export type Figures = Readonly<Record<string, EndpointCounts>>;

/** File of the committed figures, from which `pnpm generate` makes the table of docs/compatibility.md. */
const FILE = join(import.meta.dirname, "..", "results", "endpoints.json");

/**
 * Compares the figures of a run with the committed ones and says where these are out of date; with `UPDATE_RESULTS=1`
 * writes them. Chunks are cut by timing, so they count as equal here.
 */
export function reportFigures(run: string, figures: Figures): void {
  const committed = JSON.parse(readFileSync(FILE, "utf8")) as Readonly<Record<string, Figures>>;
  const settled = Object.fromEntries(
    Object.entries(figures)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([endpoint, counts]) => [endpoint, withoutTiming(counts)]),
  );
  if (JSON.stringify(committed[run]) === JSON.stringify(settled)) {
    console.log(`results: the committed figures of ${run} are up to date`);
    return;
  }
  if (process.env["UPDATE_RESULTS"] === "1") {
    const all = Object.entries({ ...committed, [run]: settled }).toSorted(([a], [b]) => (a < b ? -1 : 1));
    writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`);
    console.log(`results: wrote the figures of ${run}; now run pnpm generate`);
    return;
  }
  console.log(
    `results: the committed figures of ${run} are out of date; run again with UPDATE_RESULTS=1, then pnpm generate`,
  );
}

function withoutTiming(counts: EndpointCounts): EndpointCounts {
  return { ...counts, equal: counts.equal + counts.chunking, chunking: 0 };
}
