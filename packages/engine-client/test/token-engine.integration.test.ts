import { describe } from "vitest";
import { connectEngine, type EngineTransport } from "../src/index.ts";
import { runTokenEngineCases } from "../src/token-engine.cases.ts";
import type { ConnectForCases } from "./connect-for-cases.ts";

const connectBy =
  (transport: EngineTransport): ConnectForCases =>
  (address, options = {}) => {
    const connection = connectEngine(
      { dialect: "vllm-engine", address, secure: false },
      { ...options, transport },
    );
    if (connection.dialect !== "vllm-engine") throw new Error(connection.dialect);
    return connection;
  };

describe("VllmEngine over node:http2", () => {
  runTokenEngineCases(connectBy("http2"));
});
describe("VllmEngine over node:net", () => {
  runTokenEngineCases(connectBy("net"));
});
describe("VllmEngine over grpc-js", () => {
  runTokenEngineCases(connectBy("grpc-js"));
});
