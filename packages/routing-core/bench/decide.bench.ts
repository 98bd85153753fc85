// gather + decide + settle + release, by policy and fleet: node --conditions=@vllm-router/source bench/decide.bench.ts
import {
  createDispatcher,
  createLedger,
  createPolicy,
  createPrefixIndex,
  createSeededRandom,
  createSnapshot,
  createWorkerView,
  type Generation,
  POLICY_NAMES,
} from "@vllm-router/routing-core";
import { measureMicroseconds, printRow } from "./measure.ts";

const fleets = [1, 8, 64, 512];
printRow(["microseconds for a 2k-token prompt", ...fleets.map((workers) => `${workers} workers`)]);
for (const policy of POLICY_NAMES) {
  const parts: Record<"gather" | "decide" | "whole", number[]> = { gather: [], decide: [], whole: [] };
  for (const count of fleets) {
    const ledger = createLedger({ slotCapacity: count });
    const index = createPrefixIndex({ slotCapacity: count });
    const dispatcher = createDispatcher({
      policy: createPolicy(policy),
      ledger,
      index,
      recorder: index,
      clock: () => 0,
      random: createSeededRandom(1),
    });
    const workers = Array.from({ length: count }, (_, slot) =>
      createWorkerView({
        slot,
        id: `http://node-${slot}:50051`,
        models: ["meta-llama/Llama-3.1-8B-Instruct"],
      }),
    );
    const snapshot = createSnapshot({ version: 1, publishedAtMs: 0, workers });
    const generations = Array.from({ length: 64 }, (_, identity): Generation => ({
      requestId: `${identity}`,
      model: "meta-llama/Llama-3.1-8B-Instruct",
      tokenIds: Int32Array.from({ length: 2048 }, (_, position) =>
        position < 1024 ? position : identity * 7919 + position,
      ),
      promptTokens: 2048,
      maxTokens: 256,
      routingKey: `session:${identity}`,
      requiredFields: [],
      excludedWorkers: [],
    }));
    let turn = 0;
    const next = (): Generation => generations[(turn += 1) % generations.length]!;
    parts.whole.push(
      measureMicroseconds(() => {
        const decision = dispatcher.decide(dispatcher.gather(next(), snapshot));
        if (decision.kind === "place") dispatcher.settle(decision).release();
      }),
    );
    parts.gather.push(measureMicroseconds(() => void dispatcher.gather(next(), snapshot)));
    const input = dispatcher.gather(next(), snapshot);
    parts.decide.push(measureMicroseconds(() => void dispatcher.decide(input)));
  }
  printRow([`${policy}: gather`, ...parts.gather]);
  printRow([`${policy}: decide`, ...parts.decide]);
  printRow([`${policy}: all, settle and release`, ...parts.whole]);
}

for (const policy of ["consistent_hash"]) {
  for (const count of [64, 512]) {
    const ring = createPolicy(policy);
    const ledger = createLedger({ slotCapacity: count + 1 });
    const index = createPrefixIndex({ slotCapacity: count + 1, capacityBytes: 1 << 20 });
    const dispatcher = createDispatcher({ policy: ring, ledger, index, clock: () => 0, random: () => 0 });
    const workers = Array.from({ length: count + 1 }, (_, slot) =>
      createWorkerView({ slot, id: `http://node-${slot}` }),
    );
    let version = 0;
    const figure = measureMicroseconds(() => {
      version += 1;
      const snapshot = createSnapshot({ version, publishedAtMs: 0, workers: workers.slice(version % 2) });
      dispatcher.gather(
        {
          requestId: "",
          model: "",
          routingKey: "k",
          promptTokens: 1,
          maxTokens: 1,
          requiredFields: [],
          excludedWorkers: [],
        },
        snapshot,
      );
    });
    printRow([`${policy}: first decision after a worker came or went, ${count}`, figure]);
  }
}
