import { join } from "node:path";
import { BENCH_FOLDER } from "../bench-paths.ts";

interface SimulatorModule {
  startSimulator(options: Readonly<Record<string, unknown>>): Promise<unknown>;
}

const { ports, kvBlocks } = JSON.parse(process.argv[2] ?? "{}") as {
  readonly ports: readonly number[];
  readonly kvBlocks: number;
};

// By its path: the tools do not depend on the simulator.
const source = join(BENCH_FOLDER, "../../packages/simulator/src/index.ts");
const simulator = (await import(source)) as SimulatorModule;

for (const port of ports) {
  await simulator.startSimulator({
    port,
    httpPort: port + 1,
    servedModelNames: ["simulated"],
    maxModelLen: 16_384,
    kvBlocks,
    kvEventsConfig: {
      endpoint: `tcp://127.0.0.1:${port + 2}`,
      replayEndpoint: `tcp://127.0.0.1:${port + 3}`,
    },
  });
}
