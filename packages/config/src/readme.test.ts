import { expect, it } from "vitest";

import { ConfigError, parseRouterConfig } from "./index.ts";

it("does what the README shows", () => {
  const { config, origins } = parseRouterConfig({
    argv: ["--worker-urls", "http://n1:50051", "--port", "8000"],
    environment: { VLLM_ROUTER_POLICY: "random" },
    policies: ["cache_aware", "random"],
    readFile: () => "",
  });
  expect(config.server.port).toBe(8000);
  expect(config.routing.policy).toBe("random");
  expect(origins["routing.policy"]).toEqual({ source: "environment", name: "VLLM_ROUTER_POLICY" });

  const misspelt = (): unknown =>
    parseRouterConfig({
      argv: ["--worker-urls", "http://n1:50051", "--prot", "8000"],
      environment: {},
      policies: ["cache_aware"],
      readFile: () => "",
    });
  expect(misspelt).toThrow(ConfigError);
  expect(misspelt).toThrow("unknown flag --prot; did you mean --port?");
});
