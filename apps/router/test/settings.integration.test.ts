import { readFileSync } from "node:fs";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { parseRouterConfig, routerSettings, type RouterConfig } from "@vllm-router/config";
import { POLICIES, POLICY_NAMES } from "@vllm-router/routing-core";
import { createRouter } from "../src/create-router.ts";

/** Reads every leaf of the configuration as it is asked for, and keeps its path. */
function recordingReads(config: RouterConfig): { readonly config: RouterConfig; readonly read: Set<string> } {
  const read = new Set<string>();
  const leaves = new Set(routerSettings(POLICY_NAMES).map((setting) => setting.path));
  const watch = <T extends object>(object: T, parents: readonly string[]): T =>
    new Proxy(object, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key);
        const path = [...parents, String(key)];
        if (leaves.has(path.join("."))) {
          read.add(path.join("."));
          return value;
        }
        return typeof value === "object" && value !== null ? watch(value, path) : value;
      },
    });
  return { config: watch(config, []), read };
}

describe("settings of the router", () => {
  it("are each read: one that is accepted is honoured", async () => {
    const read = new Set<string>();
    for (const workers of [
      ["--worker-urls", "grpc://127.0.0.1:1"],
      ["--vllm-pd-disaggregation", "--prefill", "grpc://127.0.0.1:1", "--decode", "grpc://127.0.0.1:2"],
    ]) {
      const { config } = parseRouterConfig({
        argv: [...workers, "--port=0", "--prometheus-port=0"],
        environment: {},
        readFile: () => "",
        policies: POLICY_NAMES,
      });
      const recorded = recordingReads(config);
      const router = await createRouter(recorded.config, { logger: pino({ level: "silent" }) });
      void router.firstReady().catch(() => undefined);
      await router.close(0);
      for (const path of recorded.read) {
        read.add(path);
      }
    }

    const program = readFileSync(new URL("../src/main.ts", import.meta.url), "utf8");
    const unread = routerSettings(POLICY_NAMES)
      .map((setting) => setting.path)
      .filter((path) => !read.has(path))
      .filter((path) => !new RegExp(`\\b${path.split(".").at(-1) ?? path}\\b`).test(program));
    expect(unread).toEqual([]);
  });

  it("give the policies the defaults and the bounds that the policies state", () => {
    const settings = new Map(routerSettings(POLICY_NAMES).map((setting) => [setting.path, setting]));
    const refusal = (flag: string, given: number): string => {
      const argv = ["--worker-urls", "http://n1:1", `--${flag}=${given}`];
      try {
        parseRouterConfig({ argv, environment: {}, readFile: () => "", policies: POLICY_NAMES });
        return "taken";
      } catch (error) {
        return String(error);
      }
    };
    let compared = 0;
    for (const policy of Object.values(POLICIES)) {
      for (const [name, parameter] of Object.entries(policy.parameters)) {
        const { flag, minimum, maximum, isInteger } = parameter;
        if (flag === null) continue;
        compared += 1;
        const setting = settings.get(`routing.${name}`);
        expect({ name, kind: setting?.kind, value: setting?.defaultValue }).toEqual({
          name,
          kind: isInteger ? "integer" : "number",
          value: parameter.default,
        });
        expect([setting?.flag, ...(setting?.aliases ?? [])]).toContain(flag);
        expect(refusal(flag, minimum - 1)).toContain(`--${flag}: must be at least ${minimum}`);
        expect(refusal(flag, maximum + 1)).toContain(`--${flag}: must be at most ${maximum}`);
      }
    }
    expect(compared).toBeGreaterThan(0);
  });
});
