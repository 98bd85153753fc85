import { describe } from "vitest";
import type { ConnectForCases } from "../test/connect-for-cases.ts";
import { runFailureCases } from "./token-engine-failure.cases.ts";
import { runFlowCases } from "./token-engine-flow.cases.ts";
import { runOutputCases } from "./token-engine-output.cases.ts";

/**
 * What every transport of the VllmEngine dialect has to do, over real sockets: content and order, flow control and
 * cancellation, failures. Every case ends with no open call on the engine.
 */
export function runTokenEngineCases(connect: ConnectForCases): void {
  describe("output", () => {
    runOutputCases(connect);
  });
  describe("flow", () => {
    runFlowCases(connect);
  });
  describe("failure", () => {
    runFailureCases(connect);
  });
}
