import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../bootstrap/environment.mjs";

interface Counts {
  readonly equal: number;
  readonly wording: number;
  readonly listed: number;
  readonly different: number;
}

const ZERO: Counts = { equal: 0, wording: 0, listed: 0, different: 0 };

/** One row per endpoint, from the figures that `tools/real-vllm/run` wrote. */
export function endpointTable(): string {
  const runs = JSON.parse(
    readFileSync(join(root, "tools/real-vllm/results/endpoints.json"), "utf8"),
  ) as Readonly<Record<string, Readonly<Record<string, Counts>>>>;
  const sums = new Map<string, { recorded: Counts; fuzz: Counts }>();
  for (const [run, endpoints] of Object.entries(runs)) {
    for (const [endpoint, counts] of Object.entries(endpoints)) {
      const sum = sums.get(endpoint) ?? { recorded: ZERO, fuzz: ZERO };
      const kind = run.startsWith("fuzz") ? "fuzz" : "recorded";
      sums.set(endpoint, { ...sum, [kind]: added(sum[kind], counts) });
    }
  }
  const rows = [...sums]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([endpoint, { recorded, fuzz }]) => {
      const name = endpoint.startsWith("/") ? `\`${endpoint}\`` : endpoint;
      return `| ${name} | ${[recorded, fuzz].flatMap(cells).join(" | ")} |`;
    });
  return [
    "| endpoint | recorded cases | equal | wording | closed list | different | fuzz bodies | equal | wording | closed list | different |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

function added(a: Counts, b: Counts): Counts {
  return {
    equal: a.equal + b.equal,
    wording: a.wording + b.wording,
    listed: a.listed + b.listed,
    different: a.different + b.different,
  };
}

function cells({ equal, wording, listed, different }: Counts): readonly number[] {
  return [equal + wording + listed + different, equal, wording, listed, different];
}
