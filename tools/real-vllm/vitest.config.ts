import { defineConfig } from "vitest/config";

// A suite of its own beside the workspace's: minutes long, one pair of engines at a time, so one file after the other.
export default defineConfig({
  test: {
    name: "real-vllm",
    root: import.meta.dirname,
    include: ["suite/**/*.real.ts"],
    environment: "node",
    fileParallelism: false,
    sequence: { concurrent: false },
    retry: 0,
    testTimeout: 900_000,
    hookTimeout: 400_000,
  },
});
