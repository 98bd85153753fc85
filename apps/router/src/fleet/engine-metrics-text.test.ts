import { describe, expect, it } from "vitest";
import { readEngineFigures } from "./engine-metrics-text.ts";

describe("readEngineFigures()", () => {
  it("reads the figures of every rank, whatever else is printed", () => {
    const text = `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="Qwen/Qwen3"} 3.0
vllm:num_requests_running{engine="1",model_name="Qwen/Qwen3"} 12.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="Qwen/Qwen3"} 1.0
vllm:num_requests_waiting{engine="1",model_name="Qwen/Qwen3"} 0.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="Qwen/Qwen3",reason="capacity"} 7.0
vllm:kv_cache_usage_perc{engine="0",model_name="Qwen/Qwen3"} 0.25
vllm:kv_cache_usage_perc{engine="1",model_name="Qwen/Qwen3"} 1e-3
process_open_fds 20.0`;
    expect(readEngineFigures(text)).toEqual([
      { rank: 0, runningRequests: 3, waitingRequests: 1, kvCacheUsage: 0.25, adapters: undefined },
      { rank: 1, runningRequests: 12, waitingRequests: 0, kvCacheUsage: 0.001, adapters: undefined },
    ]);
  });

  it("takes the latest of the sets of LoRA adapters", () => {
    const text = `
vllm:num_requests_running{model_name="m"} 1.0
vllm:gpu_cache_usage_perc{model_name="m"} 0.5
vllm:lora_requests_info{max_lora="4",running_lora_adapters="sql, tone",waiting_lora_adapters=""} 1.7e+09
vllm:lora_requests_info{max_lora="4",running_lora_adapters="sql",waiting_lora_adapters="a\\"b"} 1.70001e+09
vllm:lora_requests_info{max_lora="4",running_lora_adapters="",waiting_lora_adapters=""} 1.6e+09
`;
    expect(readEngineFigures(text)).toEqual([
      {
        rank: 0,
        runningRequests: 1,
        waitingRequests: 0,
        kvCacheUsage: 0.5,
        adapters: { running: ["sql"], waiting: ['a\\"b'], capacity: 4 },
      },
    ]);
  });

  it("finds nothing where there is nothing, or nonsense", () => {
    expect(readEngineFigures("")).toEqual([]);
    expect(readEngineFigures('\nvllm:num_requests_running{engine="x"} 1\n')).toEqual([]);
    expect(readEngineFigures('\nvllm:num_requests_running{engine="0"} NaN\n')).toEqual([]);
    expect(readEngineFigures("\nvllm:num_requests_running{\n}\n")).toEqual([]);
    expect(readEngineFigures('\nvllm:num_requests_waiting{engine="0"} 3\n')).toEqual([]);
  });
});
