import { describe } from "vitest";
import type { DialectKit } from "../test/dialect-kit.ts";
import { runFailureCases } from "./token-engine-failure.cases.ts";
import { runFlowCases } from "./token-engine-flow.cases.ts";
import { runOutputCases } from "./token-engine-output.cases.ts";

/**
 * What every token dialect has to do over every transport, over real sockets: content and order, flow control and
 * cancellation, failures. Every case ends with no open call on the engine.
 */
export function runTokenEngineCases(kit: DialectKit): void {
  describe("output", () => {
    runOutputCases(kit);
  });
  describe("flow", () => {
    runFlowCases(kit);
  });
  describe("failure", () => {
    runFailureCases(kit);
  });
}
