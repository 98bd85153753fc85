import { parseArgs } from "node:util";
import { type RoutingResult, routingTable } from "./src/routing/routing-result.ts";
import { simulate } from "./src/routing/simulate.ts";
import { workloads } from "./src/routing/workloads.ts";

const USAGE = `Usage: tools/node --conditions=@vllm-router/source tools/bench/routing-search.ts [--policies 'cache_aware;cache_aware:waitTokens=0']
       [--seeds 1,2,3] [--workloads chats,documents] [--engines 8] [--kv-blocks 5000]
Policies in simulated time: no network, no waiting, the same figures on every machine. Search on some seeds, judge on others.
`;

const { values } = parseArgs({
  options: {
    policies: { type: "string", default: "cache_aware" },
    seeds: { type: "string", default: "1,2,3" },
    workloads: { type: "string", default: "" },
    engines: { type: "string", default: "8" },
    "kv-blocks": { type: "string", default: "5000" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  process.stdout.write(USAGE);
} else {
  run();
}

function run(): void {
  const wanted = values.workloads.split(",");
  const results: RoutingResult[] = [];
  for (const seed of values.seeds.split(",").map(Number)) {
    for (const workload of workloads(seed)) {
      if (!wanted.some((part) => workload.name.includes(part))) continue;
      for (const variant of values.policies.split(";")) {
        const [policy = "", ...pairs] = variant.split(/[:,]/u);
        const parameters = Object.fromEntries(
          pairs.map((pair) => {
            const [name = "", value = ""] = pair.split("=");
            return [name, Number(value)];
          }),
        );
        const result = simulate({
          policy,
          parameters,
          workload,
          seed,
          engines: Number(values.engines),
          kvBlocks: Number(values["kv-blocks"]),
        });
        results.push({ ...result, candidate: variant });
      }
    }
  }
  for (const { name, what } of workloads(1)) {
    const ofWorkload = results.filter(({ workload }) => workload === name);
    if (ofWorkload.length > 0)
      process.stdout.write(`\n### ${name}: ${what}\n\n${routingTable(ofWorkload)}\n`);
  }
}
