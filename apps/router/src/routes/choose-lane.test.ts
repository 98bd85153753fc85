import { VLLM_ENGINE_CAPABILITIES } from "@vllm-router/engine-client";
import { createSnapshot, createWorkerView, type Snapshot } from "@vllm-router/routing-core";
import { describe, expect, it } from "vitest";
import { chooseLane, isHttpOnly, proxyNameFor, proxyNameOf, type LaneFleet } from "./choose-lane.ts";
import { readProxiedBody } from "../server/proxied-body.ts";

type Worker = readonly [models: readonly string[], isHealthy?: boolean];

function snapshot(workers: readonly Worker[], unsupportedFields: ReadonlySet<string>): Snapshot {
  return createSnapshot({
    version: 1,
    publishedAtMs: 0,
    workers: workers.map(([models, isHealthy = true], at) =>
      createWorkerView({ slot: at as never, id: `w${at}`, models, ranks: 1, isHealthy, unsupportedFields }),
    ),
  });
}

function fleet(token: readonly Worker[], proxy: readonly Worker[]): LaneFleet {
  const snapshots = {
    token: snapshot(token, VLLM_ENGINE_CAPABILITIES.unsupportedFields),
    proxy: snapshot(proxy, new Set()),
  };
  return { snapshot: (lane) => snapshots[lane] };
}

describe("chooseLane()", () => {
  it.each([
    ["nobody", fleet([], []), "token"],
    ["gRPC workers only", fleet([[["m"]]], []), "token"],
    ["HTTP workers only", fleet([], [[["x"]]]), "proxy"],
    ["both serve it", fleet([[["m"]]], [[["m"]]]), "token"],
    ["an HTTP worker serves it", fleet([[["x"]]], [[["m"]]]), "proxy"],
    ["an HTTP worker takes any name", fleet([[["x"]]], [[[]]]), "proxy"],
    ["the gRPC worker is sick", fleet([[["m"], false]], [[["m"]]]), "proxy"],
    ["both are sick", fleet([[["m"], false]], [[["m"], false]]), "token"],
    ["nobody serves it", fleet([[["x"]]], [[["y"]]]), "token"],
  ] as const)("%s", (_, workers, lane) => {
    expect(chooseLane(workers, () => "m")).toBe(lane);
  });

  it("takes the token lane for a request without a name, and asks for the name in mixed fleets only", () => {
    expect(chooseLane(fleet([[["x"]]], [[["m"]]]), () => "")).toBe("token");
    const never = (): string => {
      throw new Error("asked");
    };
    expect(chooseLane(fleet([], [[["m"]]]), never)).toBe("proxy");
    expect(isHttpOnly(fleet([], [[["m"]]]))).toBe(true);
    expect(isHttpOnly(fleet([], []))).toBe(false);
  });
});

describe("proxyNameFor()", () => {
  it("names the model where only an HTTP worker can carry the fields", () => {
    const mixed = fleet([[["m"]]], [[["alias"]]]);
    expect(proxyNameFor(mixed, ["m", "alias"], ["bad_words"])).toBe("alias");
    expect(proxyNameFor(mixed, ["m", "alias"], ["n"])).toBeUndefined();
    expect(proxyNameFor(mixed, ["m"], ["bad_words"])).toBeUndefined();
    expect(proxyNameOf(mixed, ["m"])).toBeUndefined();
  });

  it("names it where the gRPC workers that can are sick and an HTTP worker is not", () => {
    expect(proxyNameFor(fleet([[["m"], false]], [[["m"]]]), ["m"], ["n"])).toBe("m");
    expect(proxyNameFor(fleet([[["m"], false]], [[["m"], false]]), ["m"], ["n"])).toBeUndefined();
    expect(proxyNameFor(fleet([[["m"], false], [["m"]]], [[["m"]]]), ["m"], ["n"])).toBeUndefined();
    expect(proxyNameFor(fleet([[["m"]]], [[["m"], false]]), ["m"], ["bad_words"])).toBe("m");
  });
});

describe("readProxiedBody()", () => {
  const read = (text: string): ReturnType<typeof readProxiedBody> =>
    readProxiedBody(new TextEncoder().encode(text));

  it("reads the model and what makes a routing key", () => {
    expect(read('{"model":"m","user":"u","session_params":{"session_id":"s"},"x":1}')).toMatchObject({
      model: "m",
      keys: { user: "u", session_params: { session_id: "s" } },
    });
  });

  it.each(["", "{", "[]", "null", '{"model":5}', "\u0000"])("never fails: %j", (text) => {
    expect(read(text).model).toBe("");
  });
});
