import { startSimulator } from "@vllm-router/simulator";
import { describe, expect, it } from "vitest";
import { startHttpWorker } from "./http-worker.ts";
import { eventually, startRouter } from "./start-router.ts";

describe("what a start left behind", () => {
  it.each([
    ["proxy", 0],
    ["token", 1],
  ])(
    "is given back once the router has come up, which tells of models read: %s lane, %i",
    async (lane, expectedModels) => {
      await using worker = await startHttpWorker(["model"], (_request, response) => void response.end());
      await using engine = await startSimulator({ speed: 0 });
      const heard: boolean[] = [];
      let models = 0;
      await using router = await startRouter(
        [lane === "proxy" ? worker.url : `grpc://${engine.address}`],
        [],
        {
          setMemoryReducer: (isOn) => heard.push(isOn),
          modelRead: () => (models += 1),
        },
      );
      await eventually("the router has tidied up", () => heard.length > 0, 20_000);
      // What V8 would do by itself is off from then on, and comes back later.
      expect([heard, router.router.readyWorkers(), models]).toEqual([[false], 1, expectedModels]);
    },
    30_000,
  );
});
