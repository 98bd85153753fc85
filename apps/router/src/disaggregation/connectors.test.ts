import { describe, expect, it } from "vitest";
import { CONNECTORS } from "./connectors.ts";
import type { EngineIdentity, LegPlan, LegWorker, Pair } from "./connector.ts";
import type { MoriioAddress } from "./moriio-address.ts";
import { moriio } from "./moriio.ts";

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

describe("moriio", () => {
  const ANSWERED = {
    do_remote_prefill: true,
    do_remote_decode: false,
    remote_block_ids: [[1, 2]],
    remote_engine_id: "10.0.0.1:6301",
    remote_host: "10.0.0.1",
    remote_handshake_port: "6301",
    remote_notify_port: 61_005,
    remote_dp_rank: 0,
    tp_size: 2,
    transfer_id: "tx-0f",
  };
  const at = (host: string, more: Partial<MoriioAddress> = {}): EngineIdentity => ({
    engineIds: new Map(),
    moriio: { host, handshakePort: 6301, notifyPort: 61_005, tensorRanks: undefined, dataRanks: 1, ...more },
  });
  const legs = (prefill: Partial<LegWorker>, decode: Partial<LegWorker>): Pair => {
    const pair = pairOf();
    return { ...pair, prefill: { ...pair.prefill, ...prefill }, decode: { ...pair.decode, ...decode } };
  };
  const paramsOf = (plan: LegPlan | undefined): unknown =>
    plan?.decode.order === "together" ? JSON.parse(plan.decode.params) : undefined;

  it("tells both legs of the other's ranks in write mode", () => {
    const prefill = { identity: at("p", { dataRanks: 4, tensorRanks: 2 }), rank: 3, ranks: 4 };
    const decode = { identity: at("d", { dataRanks: 2, tensorRanks: 8 }), rank: 1, ranks: 2 };
    const plan = moriio("write").plan(legs(prefill, decode));
    expect(JSON.parse(plan?.prefillParams ?? "")).toMatchObject({
      remote_engine_id: "d:6301",
      remote_dp_size: 2,
      remote_dp_rank: 1,
      remote_tp_size: 8,
    });
    expect(paramsOf(plan)).toMatchObject({
      remote_engine_id: "p:6301",
      remote_dp_size: 4,
      remote_dp_rank: 3,
      remote_tp_size: 2,
      is_request_leader: true,
    });
  });

  it.each([
    ["neither has told its place", {}, {}],
    ["the decode engine has not", { identity: at("p") }, {}],
    ["the prefill engine has not", {}, { identity: at("d") }],
    ["nobody knows the rank of", { identity: at("p", { dataRanks: 2 }) }, { identity: at("d") }],
  ])("pairs no engines in write mode of which %s", (_what, prefill, decode) => {
    expect(moriio("write").plan(legs(prefill, decode))).toBeUndefined();
  });

  it.each([
    ["nothing", undefined],
    ["another transfer", { ...ANSWERED, transfer_id: "tx-1" }],
    ["no blocks", { ...ANSWERED, remote_block_ids: null }],
    ["no host", { ...ANSWERED, remote_host: "" }],
    ["no port", { ...ANSWERED, remote_notify_port: "none" }],
    ["its own question", { ...ANSWERED, do_remote_prefill: false }],
  ])("takes %s for a failed prefill in read mode", (_what, answer) => {
    const plan = moriio("read").plan(pairOf());
    const told = answer === undefined ? undefined : JSON.stringify(answer);
    expect(plan?.decode.order === "after" ? plan.decode.handover(told) : "together").toBeUndefined();
    const whole = JSON.stringify(ANSWERED);
    expect(plan?.decode.order === "after" ? plan.decode.handover(whole) : "together").toEqual({
      params: whole,
    });
  });

  it.each(["write", "read"] as const)("keeps a request id, unless it names engines (%s)", (mode) => {
    const pair = legs({ identity: at("p") }, { identity: at("d") });
    const idOf = (requestId: string): string | undefined =>
      moriio(mode).plan({ ...pair, requestId })?.requestId;
    expect(idOf("cmpl-1")).toBe("cmpl-1");
    expect(idOf("x___prefill_addr_host:h,handshake:1,notify:2___decode_addr_y")).toBe("0f");
    expect(idOf("x___decode_addr_host:h,handshake:1,notify:2_00000000000000000000000000000000")).toBe("0f");
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
