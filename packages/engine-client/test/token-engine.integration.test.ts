import { describe } from "vitest";
import { runTokenEngineCases } from "../src/token-engine.cases.ts";
import { inferenceKit, vllmEngineKit } from "./dialect-kit.ts";

describe("VllmEngine over node:http2", () => {
  runTokenEngineCases(vllmEngineKit("http2"));
});
describe("VllmEngine over node:net", () => {
  runTokenEngineCases(vllmEngineKit("net"));
});
describe("VllmEngine over grpc-js", () => {
  runTokenEngineCases(vllmEngineKit("grpc-js"));
});
describe("vllm.Inference over node:http2", () => {
  runTokenEngineCases(inferenceKit("http2"));
});
describe("vllm.Inference over node:net", () => {
  runTokenEngineCases(inferenceKit("net"));
});
describe("vllm.Inference over grpc-js", () => {
  runTokenEngineCases(inferenceKit("grpc-js"));
});
