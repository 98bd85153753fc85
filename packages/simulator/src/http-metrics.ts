import type { Engine } from "./engine.ts";

/** The metrics of a vLLM server that routers read, in the text format of Prometheus. */
export function metricsText(engine: Engine, modelName: string): string {
  const { limits } = engine.options;
  const model = modelName.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  const lines: string[] = [];
  const metric = (
    name: string,
    kind: "gauge" | "counter",
    valueOf: (rank: Engine["ranks"][number]) => number,
  ): void => {
    lines.push(`# TYPE vllm:${name} ${kind}`);
    for (const rank of engine.ranks) {
      lines.push(`vllm:${name}{engine="${rank.rank}",model_name="${model}"} ${valueOf(rank)}`);
    }
  };
  metric("num_requests_running", "gauge", (rank) => rank.runningCount);
  metric("num_requests_waiting", "gauge", (rank) => rank.waitingCount);
  metric("kv_cache_usage_perc", "gauge", (rank) => rank.kvUsage);
  metric("prefix_cache_queries_total", "counter", (rank) => rank.totals.promptTokens);
  metric("prefix_cache_hits_total", "counter", (rank) => rank.totals.cachedTokens);
  metric("prompt_tokens_total", "counter", (rank) => rank.totals.promptTokens);
  metric("generation_tokens_total", "counter", (rank) => rank.totals.generatedTokens);
  lines.push("# TYPE vllm:cache_config_info gauge");
  for (const { rank } of engine.ranks) {
    lines.push(
      `vllm:cache_config_info{block_size="${limits.blockSize}",engine="${rank}",num_gpu_blocks="${limits.kvBlocks}"} 1`,
    );
  }
  return `${lines.join("\n")}\n`;
}
