import { describe, expect, it } from "vitest";
import { CONNECTORS } from "./connectors.ts";
import type { EngineIdentity, Pair } from "./connector.ts";

const ANSWER = JSON.stringify({
  do_remote_prefill: true,
  do_remote_decode: false,
  remote_block_ids: [[3, 4]],
  remote_engine_id: "p1",
  remote_request_id: "cmpl-1-abc",
  remote_host: "10.0.0.1",
  remote_port: 5600,
  tp_size: 2,
  transfer_mode: "pull",
});

function pairOf(identity?: EngineIdentity): Pair {
  return {
    requestId: "cmpl-1",
    prefill: { id: "grpc://p:1", rank: undefined, ranks: 1, identity },
    decode: { id: "grpc://d:1", rank: undefined, ranks: 1, identity: undefined },
    uniqueId: () => "0f",
  };
}

describe("nixl", () => {
  it("hands the prefill engine's answer on word for word, and remembers the engine", () => {
    const plan = CONNECTORS.nixl.plan(pairOf());
    expect(plan?.requestId).toBe("cmpl-1");
    expect(JSON.parse(plan?.prefillParams ?? "")).toMatchObject({
      do_remote_decode: true,
      remote_block_ids: null,
    });
    expect(plan?.decode.order === "after" ? plan.decode.handover(ANSWER) : undefined).toEqual({
      params: ANSWER,
      learned: { engineIds: new Map([[0, "p1"]]) },
    });
  });

  it.each([
    ["nothing", undefined],
    ["no JSON", "{"],
    ["a list", "[]"],
    ["an empty object", "{}"],
    ["no blocks", ANSWER.replace("remote_block_ids", "other")],
    ["no engine", ANSWER.replace('"p1"', "null")],
    ["no host", ANSWER.replace('"10.0.0.1"', "7")],
    ["a port in words", ANSWER.replace("5600", '"5600"')],
    ["the client's own parameters", ANSWER.replace('"do_remote_prefill":true', '"do_remote_prefill":false')],
  ])("takes %s for a failed prefill", (_what, answer) => {
    const plan = CONNECTORS.nixl.plan(pairOf());
    expect(plan?.decode.order === "after" ? plan.decode.handover(answer) : "together").toBeUndefined();
  });

  it("starts both legs together with an engine that pushes", () => {
    const first = CONNECTORS.nixl.plan(pairOf());
    const told =
      first?.decode.order === "after" ? first.decode.handover(ANSWER.replace("pull", "push")) : undefined;
    const plan = CONNECTORS.nixl.plan(pairOf(told?.learned));
    expect(plan?.decode.order).toBe("together");
    expect(plan?.decode.order === "together" ? JSON.parse(plan.decode.params) : undefined).toEqual({
      do_remote_prefill: true,
      do_remote_decode: false,
      remote_engine_id: "p1",
      remote_host: "10.0.0.1",
      remote_port: 5600,
      tp_size: 2,
      remote_request_id: "cmpl-1",
    });
  });
});

describe("mooncake", () => {
  const bootstrap = { address: "http://p:8998", engineIds: new Map([[0, "p1"]]) };

  it("starts both legs together under a transfer id of their own", () => {
    const plan = CONNECTORS.mooncake.plan(pairOf({ engineIds: new Map(), bootstrap }));
    expect(JSON.parse(plan?.prefillParams ?? "")).toEqual({
      do_remote_decode: true,
      do_remote_prefill: false,
      transfer_id: "xfer-0f",
    });
    expect(plan?.decode.order === "together" ? JSON.parse(plan.decode.params) : undefined).toEqual({
      do_remote_prefill: true,
      do_remote_decode: false,
      remote_bootstrap_addr: "http://p:8998",
      remote_engine_id: "p1",
      transfer_id: "xfer-0f",
    });
  });

  it.each([
    ["nothing is known", undefined],
    ["no bootstrap server is known", { engineIds: new Map([[0, "p1"]]) }],
    [
      "the rank is not",
      { engineIds: new Map(), bootstrap: { ...bootstrap, engineIds: new Map([[1, "p"]]) } },
    ],
  ])("pairs no engine of which %s", (_what, identity) => {
    expect(CONNECTORS.mooncake.plan(pairOf(identity))).toBeUndefined();
  });
});

describe.each(["lmcache", "none"] as const)("%s", (name) => {
  it("is two plain legs, one after the other", () => {
    const plan = CONNECTORS[name].plan(pairOf());
    expect(plan?.prefillParams).toBeUndefined();
    expect(plan?.decode.order === "after" ? plan.decode.handover(undefined) : undefined).toEqual({
      params: undefined,
    });
    expect(CONNECTORS[name].isShared).toBe(true);
  });
});
