import { startSimulator } from "@vllm-router/simulator";

const { ports, kvBlocks, modelPath } = JSON.parse(process.argv[2] ?? "{}") as {
  readonly ports: readonly number[];
  readonly kvBlocks: number;
  readonly modelPath: string;
};

for (const port of ports) {
  await startSimulator({
    port,
    httpPort: port + 1,
    modelPath,
    servedModelNames: ["qwen3"],
    maxModelLen: 32_768,
    kvBlocks,
    kvEventsConfig: {
      endpoint: `tcp://127.0.0.1:${port + 2}`,
      replayEndpoint: `tcp://127.0.0.1:${port + 3}`,
    },
  });
}
