import { describe, expect, it } from "vitest";
import { ConfigError } from "../config-error.ts";
import { parseRouterConfig } from "../router-config.ts";
import type { RouterConfig } from "../router-schema.ts";

function read(flags: string): RouterConfig["disaggregation"] {
  const argv = flags.split(" ");
  return parseRouterConfig({
    argv,
    environment: {},
    readFile: () => "",
    policies: ["cache_aware"],
  }).config.disaggregation;
}

describe("where engines announce themselves", () => {
  it.each(["0.0.0.0:36367", "*:36367", ":36367", "[::1]:36367", "router.ns.svc:36367"])(
    "is %s, and the legs need not be named then",
    (address) => {
      expect(read(`--vllm-pd-disaggregation --vllm-discovery-address ${address}`)).toMatchObject({
        discoveryAddress: address,
        discoveryTimeoutSecs: 10,
        prefill: [],
        decode: [],
      });
    },
  );

  it.each([
    ["no port", "--vllm-pd-disaggregation --vllm-discovery-address host"],
    ["a scheme", "--vllm-pd-disaggregation --vllm-discovery-address tcp://host:1"],
    ["no disaggregation", "--worker-urls http://a:1 --vllm-discovery-address host:1"],
  ])("is refused with %s", (_what, flags) => {
    expect(() => read(flags)).toThrow(ConfigError);
  });

  it("is what is missing where no legs are named", () => {
    expect(() => read("--vllm-pd-disaggregation --prefill http://a:1")).toThrow(
      /--decode, or --vllm-discovery-address/,
    );
  });
});

it("takes vLLM's own settings for MoRI-IO engines of which it is told none", () => {
  const named = "--vllm-pd-disaggregation --prefill http://a:1 --decode http://b:1 --kv-connector moriio";
  expect(read(named)).toMatchObject({
    connector: "moriio",
    moriioTransferMode: "write",
    moriioHandshakePort: 6301,
    moriioNotifyPort: 61_005,
  });
  expect(() => read(`${named} --moriio-notify-port 70000`)).toThrow(ConfigError);
});
