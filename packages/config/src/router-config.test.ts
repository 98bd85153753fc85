import { describe, expect, it } from "vitest";

import { ConfigError } from "./config-error.ts";
import type { Environment } from "./environment.ts";
import { explainConfig } from "./explain.ts";
import { readRouterCommand } from "./program-arguments.ts";
import type { Resolved } from "./resolve.ts";
import { parseRouterConfig, routerFlags, routerSettings } from "./router-config.ts";
import type { RouterConfig } from "./router-schema.ts";

const policies = ["cache_aware", "random", "round_robin"];
const worker = ["--worker-urls", "http://a:1"];

function parse(argv: readonly string[], environment: Environment = {}, file = ""): Resolved<RouterConfig> {
  return parseRouterConfig({ argv, environment, policies, readFile: () => file });
}

function failure(...args: Parameters<typeof parse>): ConfigError {
  try {
    parse(...args);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

describe("the settings of decisions", () => {
  it("take parameters of policies one by one and as JSON, and only numbers", () => {
    const one = parse([...worker, "--policy-parameters.prefix", "3", "--policy-parameters.queue", "0.5"]);
    expect(one.config.routing.policyParameters).toEqual({ prefix: 3, queue: 0.5 });
    const json = parse([...worker, "--policy-parameters", '{"virtualNodes": 10}']);
    expect(json.config.routing.policyParameters).toEqual({ virtualNodes: 10 });
    expect(failure([...worker, "--policy-parameters.prefix", "much"]).message).toContain("policy-parameters");
  });

  it("know shadow policies by name, and headers in lower case", () => {
    const { routing } = parse([
      ...worker,
      "--shadow-policy",
      "random",
      "round_robin",
      "--affinity-headers",
      "X-Team",
    ]).config;
    expect([routing.shadowPolicies, routing.affinityHeaders]).toEqual([
      ["random", "round_robin"],
      ["x-team"],
    ]);
    expect(failure([...worker, "--shadow-policy", "fastest"]).message).toContain("--shadow-policy");
  });

  it("take the admin key from the environment and print it nowhere", () => {
    const resolved = parse(worker, { VLLM_ROUTER_ADMIN_API_KEY: "hush" });
    expect(resolved.config.decisions.adminApiKey).toBe("hush");
    expect(explainConfig(routerSettings(policies), resolved)).not.toContain("hush");
  });
});

describe("the router's settings", () => {
  const settings = routerSettings(policies);

  it.each(settings.map((setting) => [setting.path, setting] as const))(
    "%s has a doc and a default, is required, or may be unset",
    (_, setting) => {
      expect(setting.doc).toMatch(/^\S.*\.$/);
      expect(setting.required && setting.defaultValue !== undefined).toBe(false);
      expect(setting.kind === "boolean" && setting.defaultValue !== false).toBe(false);
    },
  );

  it("have unique names", () => {
    const flags = routerFlags().map(({ flag }) => flag);
    expect(new Set(flags).size).toBe(flags.length);
    const variables = settings.flatMap((setting) => setting.environment);
    expect(new Set(variables).size).toBe(variables.length);
    expect(new Set(settings.map(({ path }) => path)).size).toBe(settings.length);
  });

  it("keep the names and defaults of the Rust router", () => {
    const defaults = Object.fromEntries(settings.map((s) => [s.flag, s.defaultValue]));
    expect(defaults).toMatchObject({
      host: "127.0.0.1",
      port: 30_000,
      policy: "cache_aware",
      "worker-startup-timeout-secs": 600,
      "worker-startup-check-interval": 30,
      "cache-threshold": 0.3,
      "balance-abs-threshold": 64,
      "balance-rel-threshold": 1.5,
      "eviction-interval-secs": 120,
      "max-tree-size": 67_108_864,
      "max-payload-size": 536_870_912,
      "prometheus-port": 29_000,
      "prometheus-host": "127.0.0.1",
      "request-timeout-secs": 1800,
      "max-concurrent-requests": 32_768,
      "queue-size": 100,
      "queue-timeout-secs": 60,
      "retry-max-retries": 5,
      "retry-initial-backoff-ms": 50,
      "retry-max-backoff-ms": 30_000,
      "retry-backoff-multiplier": 1.5,
      "retry-jitter-factor": 0.2,
      "cb-failure-threshold": 10,
      "cb-success-threshold": 3,
      "cb-timeout-duration-secs": 60,
      "cb-window-duration-secs": 120,
      "health-failure-threshold": 3,
      "health-success-threshold": 2,
      "health-check-timeout-secs": 5,
      "health-check-interval-secs": 60,
      "health-check-endpoint": "/health",
    });
  });
});

describe("parseRouterConfig()", () => {
  it("gives the defaults when only the workers are named", () => {
    const { config, origins } = parse(worker);
    expect(config.server.port).toBe(30_000);
    expect(config.workers.urls).toEqual(["http://a:1"]);
    expect(origins["server.port"]).toEqual({ source: "default", name: "" });
    expect(origins["workers.urls"]).toEqual({ source: "flag", name: "--worker-urls" });
  });

  it("takes several workers after one flag, with commas, and over several flags", () => {
    const { config } = parse([
      "--worker-urls",
      "http://a:1",
      "http://b:2,grpc://c:3",
      "--port=8000",
      "--worker-urls=https://d",
    ]);
    expect(config.workers.urls).toEqual(["http://a:1", "http://b:2", "grpc://c:3", "https://d"]);
    expect(config.server.port).toBe(8000);
  });

  it("prefers flags to the environment, the environment to the file, the file to defaults", () => {
    const file = "server: { port: 1, host: h }\nadmission: { queueSize: 1 }\nretry: {maxAttempts: 2}\n";
    const { config, origins } = parse(
      [...worker, "--config", "f.yaml", "--port", "3"],
      { VLLM_ROUTER_PORT: "2", VLLM_ROUTER_QUEUE_SIZE: "2" },
      file,
    );
    expect(config.server).toMatchObject({ port: 3, host: "h" });
    expect(config.admission.queueSize).toBe(2);
    expect(config.retry.maxAttempts).toBe(2);
    expect(origins["server.port"]?.source).toBe("flag");
    expect(origins["admission.queueSize"]).toEqual({
      source: "environment",
      name: "VLLM_ROUTER_QUEUE_SIZE",
    });
    expect(origins["server.host"]).toEqual({ source: "file", name: "f.yaml: server.host" });
  });

  it("takes the last of several scalars, underscores, --no- forms and dotted JSON", () => {
    const { config } = parse([
      ...worker,
      "--queue_size",
      "1",
      "--queue-size",
      "2",
      "--disable-retries",
      "--no-disable-retries",
      "--enable-request-id-headers=true",
      "--default-chat-template-kwargs.enable_thinking",
      "false",
      "--default-chat-template-kwargs.names+",
      "a,b",
      "--override-generation-config",
      '{"temperature": 0}',
    ]);
    expect(config.admission.queueSize).toBe(2);
    expect(config.retry.disabled).toBe(false);
    expect(config.server.enableRequestIdHeaders).toBe(true);
    expect(config.model.defaultChatTemplateKwargs).toEqual({
      enable_thinking: false,
      names: ["a", "b"],
    });
    expect(config.model.overrideGenerationConfig).toEqual({ temperature: 0 });
  });

  it("takes vLLM's log levels", () => {
    expect(parse([...worker, "--uvicorn-log-level", "WARNING"]).config.observability.logLevel).toBe("warn");
  });

  it("reads standard variables of the hub", () => {
    const { config } = parse(worker, { HUGGING_FACE_HUB_TOKEN: "secret", HF_HUB_OFFLINE: "1" });
    expect(config.hub).toMatchObject({ token: "secret", offline: true });
  });

  it("is not misled by the variables Kubernetes sets for a service named vllm-router", () => {
    const { config, warnings } = parse(worker, {
      VLLM_ROUTER_PORT: "tcp://10.0.0.1:80",
      VLLM_ROUTER_PORT_80_TCP_ADDR: "10.0.0.1",
      VLLM_ROUTER_SERVICE_HOST: "10.0.0.1",
    });
    expect(config.server.port).toBe(30_000);
    expect(warnings).toEqual([]);
  });

  it("warns of a variable that means nothing", () => {
    expect(parse(worker, { VLLM_ROUTER_POLICIY: "random" }).warnings).toEqual([
      "VLLM_ROUTER_POLICIY is not a setting; did you mean VLLM_ROUTER_POLICY?",
    ]);
  });

  it.each([
    [["--prot", "1"], "unknown_flag", "unknown flag --prot; did you mean --port?"],
    [["--port", "1", "x"], "unexpected_argument", "unexpected argument 'x': vllm-router takes flags only"],
    [["--port"], "missing_value", "--port needs a value (PORT)"],
    [["--port", "x"], "invalid_value", "--port: expected a whole number, got 'x'"],
    [["--port", "70000"], "invalid_value", "--port: must be at most 65535, got 70000"],
    [["--queue_size", "-1"], "invalid_value", "--queue_size: must be at least 0, got -1"],
    [["--cache-threshold", "x"], "invalid_value", "--cache-threshold: expected a number, got 'x'"],
    [
      ["--policy", "cache_awar"],
      "invalid_value",
      "--policy: expected one of cache_aware, random, round_robin, got 'cache_awar'; did you mean cache_aware?",
    ],
    [
      ["--worker-urls", "n1:50051"],
      "invalid_value",
      "--worker-urls: 'n1:50051' is not a worker address; write http://, https://, grpc:// or grpcs:// and host:port",
    ],
    [
      ["--tool-server", "demo"],
      "not_implemented",
      "--tool-server is not implemented in this version of vllm-router; leave it out",
    ],
    [
      ["--enable-auto-tool-choice"],
      "invalid_value",
      "--enable-auto-tool-choice: requires --tool-call-parser",
    ],
    [
      ["--retry-max-backoff-ms", "1"],
      "invalid_value",
      "--retry-max-backoff-ms: must not be less than --retry-initial-backoff-ms (50)",
    ],
    [
      ["--fingerprint-mode", "custom"],
      "invalid_value",
      "--fingerprint-value: must be set with --fingerprint-mode custom",
    ],
    [
      ["--default-chat-template-kwargs", "[1]"],
      "invalid_value",
      "--default-chat-template-kwargs: expected a JSON object, got '[1]'",
    ],
    [["--config"], "missing_value", "--config needs a value"],
  ])("refuses %j", (argv, code, message) => {
    const error = failure([...worker, ...argv]);
    expect(error.message).toBe(message);
    expect(error.code).toBe(code);
  });

  it("names what is missing without workers", () => {
    expect(failure([]).message).toBe("--worker-urls: needs at least one address");
    expect(failure(["--worker-urls"]).message).toBe("--worker-urls: needs at least one address");
  });

  it("names every problem of a file with its key", () => {
    const file = "server: { prot: 1 }\nport: 3\nretry: 1\nmodel: { maxLogprobs: '3' }\n";
    const error = failure([...worker, "--config=f.yaml"], {}, file);
    expect(error.message.split("\n")).toEqual([
      "f.yaml: unknown key server.prot; did you mean server.port?",
      "f.yaml: unknown key port; did you mean server.port?",
      "f.yaml: retry must be a mapping",
      "f.yaml: model.maxLogprobs: expected number, got '3'",
    ]);
  });

  it.each([
    ["a: [", "file_invalid"],
    ["- a", "file_invalid"],
  ])("refuses the file %j", (file, code) => {
    expect(failure([...worker, "--config", "f"], {}, file).code).toBe(code);
  });

  it("says why a file cannot be read", () => {
    const readFile = (): string => {
      throw new Error("no such file");
    };
    expect(() =>
      parseRouterConfig({
        argv: worker,
        environment: { VLLM_ROUTER_CONFIG: "f.yaml" },
        policies,
        readFile,
      }),
    ).toThrow("the configuration file f.yaml cannot be read: no such file");
  });
});

describe("explainConfig()", () => {
  it("shows each value with its origin and no secret", () => {
    const text = explainConfig(routerSettings(policies), parse(worker, { HF_TOKEN: "hush" }));
    expect(text).toMatch(/^workers\.urls +\["http:\/\/a:1"\] +flag --worker-urls$/m);
    expect(text).toMatch(/^server\.port +30000 +default$/m);
    expect(text).toMatch(/^hub\.token +\(set\) +environment HF_TOKEN$/m);
    expect(text).not.toContain("hush");
  });
});

describe("readRouterCommand()", () => {
  it("tells the commands apart", () => {
    expect(readRouterCommand(["-h"]).kind).toBe("help");
    expect(readRouterCommand(["--port", "1", "--version"]).kind).toBe("version");
    expect(readRouterCommand(["--port", "1"])).toEqual({ kind: "serve", argv: ["--port", "1"] });
    expect(readRouterCommand(["replay", "log.jsonl", "--policy-file", "p.ts"])).toEqual({
      kind: "replay",
      argv: ["log.jsonl", "--policy-file", "p.ts"],
    });
    expect(readRouterCommand(["check-config", "--explain", "--port", "1"])).toEqual({
      kind: "check-config",
      explain: true,
      argv: ["--port", "1"],
    });
  });
});
