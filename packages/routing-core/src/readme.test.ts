import { expect, it } from "vitest";
import {
  createDispatcher,
  createLedger,
  createPolicy,
  createPrefixIndex,
  createSeededRandom,
  createSnapshot,
  createWorkerView,
} from "./index.ts";

it("runs the example of the README", () => {
  // --- from here as in README.md
  const ledger = createLedger({ slotCapacity: 64 });
  const index = createPrefixIndex({ slotCapacity: 64 });
  const dispatcher = createDispatcher({
    policy: createPolicy("cache_aware", { cacheThreshold: 0.5 }),
    ledger,
    index,
    recorder: index,
    clock: () => 0,
    random: createSeededRandom(1),
  });
  const snapshot = createSnapshot({
    version: 1,
    publishedAtMs: 0,
    workers: [
      createWorkerView({ slot: 0, id: "grpc://node1:50051", models: ["qwen3"] }),
      createWorkerView({ slot: 1, id: "grpc://node2:50051", models: ["qwen3"] }),
    ],
  });

  const input = dispatcher.gather(
    {
      requestId: "chat-1",
      model: "qwen3",
      tokenIds: Int32Array.from({ length: 100 }, (_, position) => position),
      promptTokens: 100,
      maxTokens: 64,
      requiredFields: [],
      excludedWorkers: [],
    },
    snapshot,
  );
  const decision = dispatcher.decide(input);
  if (decision.kind === "place") {
    const settlement = dispatcher.settle(decision); // booked: the next arrival sees it
    settlement.firstOutput(); // the engine has computed the prompt
    settlement.report("success"); // for the worker's circuit breaker
    settlement.release(); // the body has ended, however it did
  }
  // --- to here
  expect(decision).toMatchObject({ kind: "place", reason: "least_loaded" });
  expect(ledger.totalRequests()).toBe(0);
});
