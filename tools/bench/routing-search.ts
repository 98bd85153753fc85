import { parseArgs } from "node:util";
import { type RoutingResult, routingTable } from "./src/routing/routing-result.ts";
import { simulate } from "./src/routing/simulate.ts";
import { workloads } from "./src/routing/workloads.ts";

const USAGE = `Usage: tools/node --conditions=@vllm-router/source tools/bench/routing-search.ts [--policies 'cache_aware;cache_aware:waitTokens=0']
       [--seeds 1,2,3] [--workloads chats,documents] [--engines 8] [--kv-blocks 5000]
       [--threads 1,2,4] [--apart] [--fresh] [--text-block-bytes 128]
Several threads decide over one ledger and one index, and their policies share memory as in the router; with --apart they do not.
One router has all workloads in turn, as in routing.ts; with --fresh each workload has a router of its own.
With --text-block-bytes prompts are known as text alone, as those for HTTP workers are without a tokenizer.
Policies in simulated time: no network, no waiting, the same figures on every machine. Search on some seeds, judge on others.
`;

const { values } = parseArgs({
  options: {
    policies: { type: "string", default: "cache_aware" },
    seeds: { type: "string", default: "1,2,3" },
    workloads: { type: "string", default: "" },
    engines: { type: "string", default: "8" },
    "kv-blocks": { type: "string", default: "5000" },
    threads: { type: "string", default: "1" },
    apart: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    "text-block-bytes": { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  process.stdout.write(USAGE);
} else {
  run();
}

function run(): void {
  const textBytes = values["text-block-bytes"];
  const wanted = values.workloads.split(",");
  const results: RoutingResult[] = [];
  for (const seed of values.seeds.split(",").map(Number)) {
    const all = workloads(seed).filter(({ name }) => wanted.some((part) => name.includes(part)));
    for (const variant of values.policies.split(";")) {
      const [policy = "", ...pairs] = variant.split(/[:,]/u);
      const parameters = Object.fromEntries(
        pairs.map((pair) => {
          const [name = "", value = ""] = pair.split("=");
          return [name, Number(value)];
        }),
      );
      for (const threads of values.threads.split(",").map(Number)) {
        const candidate = threads === 1 ? variant : `${variant}, ${threads} threads`;
        const options = {
          policy,
          parameters,
          seed,
          engines: Number(values.engines),
          kvBlocks: Number(values["kv-blocks"]),
          threads,
          isApart: values.apart,
          textBlockBytes: textBytes === undefined ? undefined : Number(textBytes),
        };
        const turns = values.fresh ? all.map((each) => [each]) : [all];
        for (const taken of turns) {
          results.push(...simulate({ ...options, workloads: taken }).map((each) => ({ ...each, candidate })));
        }
      }
    }
  }
  for (const { name, what } of workloads(1)) {
    const ofWorkload = results.filter(({ workload }) => workload === name);
    if (ofWorkload.length > 0)
      process.stdout.write(`\n### ${name}: ${what}\n\n${routingTable(ofWorkload)}\n`);
  }
}
