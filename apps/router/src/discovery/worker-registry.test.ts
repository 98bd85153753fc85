import type { WorkerRole } from "@vllm-router/routing-core";
import { describe, expect, it } from "vitest";
import { WorkerRegistry, type WorkerRegistryOptions } from "./worker-registry.ts";

/** A message of vLLM's registration with one-character differences. */
function message(fields: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer =>
    Buffer.concat([Buffer.from([0xd9, value.length]), Buffer.from(value)]);
  const entries = Object.entries(fields);
  return Buffer.concat([
    Buffer.from([0x80 | entries.length]),
    ...entries.flatMap(([name, value]) => [text(name), text(value)]),
  ]);
}

const zmq = (host: string): string => `host:${host},handshake:1,notify:2`;
const prefill = (at: number, zmqAddress = zmq(`h${at}`), mode = "WRITE"): Buffer[] => [
  message({ type: "P", http_address: `h${at}:80`, zmq_address: zmqAddress, transfer_mode: mode }),
];
const decode = (at: number): Buffer[] => [
  message({ type: "D", http_address: `h${at}:80`, zmq_address: zmq(`h${at}`) }),
];

function setUp(options: Partial<WorkerRegistryOptions> = {}) {
  const roles = new Map<string, WorkerRole>();
  const told: string[] = [];
  const clock = { nowMs: 0 };
  const registry = new WorkerRegistry({
    fleet: {
      register: (url, role) => {
        if (roles.has(url)) return false;
        roles.set(url, role);
        return true;
      },
      remove: async (url) => {
        told.push(`removed ${url}`);
        return roles.delete(url);
      },
      roleOf: (url) => roles.get(url),
      suspect: (url) => void told.push(`suspected ${url}`),
    },
    silenceMs: 10_000,
    capacity: 2,
    mode: "write",
    nowMs: () => clock.nowMs,
    refused: (reason) => void told.push(reason),
    ...options,
  });
  /** Time goes by, and the registry looks. */
  const pass = (ms: number): void => {
    for (let left = ms; left > 0; left -= 1_000) {
      clock.nowMs += Math.min(left, 1_000);
      registry.sweep();
    }
  };
  return { registry, roles, told, clock, pass };
}

describe("engines that announce themselves", () => {
  it("are added by their first message, with what they say of themselves", () => {
    const { registry, roles } = setUp();
    registry.take([Buffer.from("identity"), ...prefill(1)], "ip");
    registry.take(decode(2), "ip");
    expect([...roles]).toEqual([
      ["http://h1:80", "prefill"],
      ["http://h2:80", "decode"],
    ]);
    expect(registry.addressOf("http://h1:80")).toMatchObject({ host: "h1", handshakePort: 1, notifyPort: 2 });
  });

  it("stay as long as they say so, and go after silence", () => {
    const { registry, roles, pass, told } = setUp();
    registry.take(prefill(1), "ip");
    registry.take(decode(2), "ip");
    for (let turn = 0; turn < 10; turn += 1) {
      pass(3_000);
      registry.take(prefill(1), "ip");
    }
    expect([...roles.keys()]).toEqual(["http://h1:80"]);
    expect(told).toContain("removed http://h2:80");
    pass(10_000);
    expect(roles.size).toBe(0);
    registry.take(prefill(1), "ip");
    expect(roles.size).toBe(1);
  });

  it("stay when it was the router that heard nothing", () => {
    const { registry, roles, clock, pass } = setUp();
    registry.take(prefill(1), "ip");
    clock.nowMs += 60_000;
    registry.sweep();
    pass(3_000);
    expect(roles.size).toBe(1);
  });

  it("stay for good when the configuration names them as well", () => {
    const { registry, roles, pass } = setUp();
    roles.set("http://h1:80", "prefill");
    registry.take(prefill(1), "ip");
    pass(60_000);
    expect(roles.size).toBe(1);
    expect(registry.addressOf("http://h1:80")).toMatchObject({ host: "h1" });
  });

  it("are looked at anew when they announce another place", () => {
    const { registry, told } = setUp();
    registry.take(prefill(1), "ip");
    told.length = 0;
    registry.take(prefill(1), "ip");
    expect(told).toEqual([]);
    registry.take(prefill(1, zmq("other")), "ip");
    expect(told).toEqual(["suspected http://h1:80"]);
    expect(registry.addressOf("http://h1:80")).toMatchObject({ host: "other" });
  });
});

describe("announcements that are passed over", () => {
  it.each([
    ["of another mode", prefill(1, zmq("h1"), "READ"), /set to read .* the router to write/],
    ["without a MoRI-IO address", prefill(1, "h1:81"), /does not say where/],
    ["that cannot be read", [Buffer.from("?")], /msgpack/],
    ["of nothing", [], /msgpack/],
  ])("are those %s", (_what, parts, reason) => {
    const { registry, roles, told } = setUp();
    registry.take(parts, "ip");
    expect(roles.size).toBe(0);
    expect(told).toEqual([expect.stringMatching(reason)]);
  });

  it("are those of one engine too many, until another has gone", () => {
    const { registry, roles, told, pass } = setUp();
    [1, 2, 3].forEach((at) => registry.take(prefill(at), "ip"));
    expect(roles.size).toBe(2);
    expect(told.at(-1)).toMatch(/one more than the 2/);
    pass(10_000);
    registry.take(prefill(3), "ip");
    expect([...roles.keys()]).toEqual(["http://h3:80"]);
  });

  it("are those for another leg than before", () => {
    const { registry, roles, told } = setUp();
    registry.take(prefill(1), "ip");
    registry.take(decode(1), "ip");
    expect(roles.get("http://h1:80")).toBe("prefill");
    expect(told.at(-1)).toMatch(/registered for prefill/);
  });

  it("are none for their connector where that has no place of its own", () => {
    const { registry, roles } = setUp({ mode: undefined });
    registry.take(prefill(1, "h1:81", "READ"), "ip");
    expect(roles.size).toBe(1);
  });
});
