import { describe, expect, it } from "vitest";
import type { LocalPlan } from "./plan.ts";
import { routerAddress } from "./router-address.ts";

function planWith(flags: Readonly<Record<string, string>>): LocalPlan {
  const frontendFlags = Object.entries(flags).map(([name, value]) => ({
    name,
    values: [value],
    negated: false,
  }));
  return { host: "0.0.0.0", port: 8000, frontendFlags } as unknown as LocalPlan;
}

describe("routerAddress()", () => {
  it.each([
    [{}, { url: "http://127.0.0.1:8000", probe: { kind: "http", url: "http://127.0.0.1:8000/health" } }],
    [{ "ssl-certfile": "c", "ssl-keyfile": "k" }, { url: "https://127.0.0.1:8000" }],
    [{ "ssl-certfile": "c", "ssl-cert-reqs": "2" }, { probe: { kind: "none" } }],
    [
      { uds: "/run/r.sock" },
      {
        url: "http://localhost",
        socketPath: "/run/r.sock",
        probe: { kind: "http", url: "http://localhost/health", socketPath: "/run/r.sock" },
      },
    ],
  ])("of %j", (flags, address) => {
    expect(routerAddress(planWith(flags))).toMatchObject(address);
  });
});
