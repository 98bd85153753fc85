import {
  EngineError,
  type GenerateRequest,
  type GenerateSink,
  type SequenceFinish,
  type TokenEngine,
  type TokenOutput,
} from "@vllm-router/engine-client";
import { describe, expect, it } from "vitest";
import { CONNECTORS } from "./connectors.ts";
import type { PrefillLeg } from "./pair-lane.ts";
import { TokenPair } from "./token-pair.ts";

const HANDOVER = JSON.stringify({
  do_remote_prefill: true,
  remote_block_ids: [[1]],
  remote_engine_id: "engine-p",
  remote_host: "127.0.0.1",
  remote_port: 1,
});

interface Leg {
  readonly worker: string;
  readonly request: GenerateRequest;
  readonly sink: GenerateSink;
  isCancelled: boolean;
}

function setUp(names: string[]) {
  const legs: Leg[] = [];
  const engineOf = (worker: string): TokenEngine =>
    ({
      capabilities: { reportsCachedTokens: true },
      generate: (request: GenerateRequest, sink: GenerateSink) => {
        const leg: Leg = { worker, request, sink, isCancelled: false };
        legs.push(leg);
        return {
          cancel: () => void (leg.isCancelled = true),
          pause: () => undefined,
          resume: () => undefined,
        };
      },
    }) as unknown as TokenEngine;
  const next = (): PrefillLeg<TokenEngine> | undefined => {
    const id = names.shift();
    return id === undefined
      ? undefined
      : {
          worker: { id, rank: undefined, ranks: 1, identity: undefined },
          engine: engineOf(id),
          learn: () => undefined,
          isAlive: () => true,
          judge: () => undefined,
          release: () => undefined,
        };
  };
  const found: number[] = [];
  const pair = new TokenPair({
    first: next()!,
    engine: engineOf("d"),
    connector: CONNECTORS.nixl,
    decode: { id: "d", rank: undefined, ranks: 1, identity: undefined },
    isDecodeAlive: () => true,
    nextPrefill: next,
    fallsBack: true,
    uniqueId: () => "unique",
    after: () => () => undefined,
    told: () => undefined,
    now: () => 0,
    prefillTimeoutMs: 1000,
    found: (tokens) => void found.push(tokens),
  });
  const told: string[] = [];
  pair.generate({ requestId: "r", sampling: {}, deadlineAtMs: undefined } as GenerateRequest, {
    output: ({ index, tokenCount }) => void told.push(`output ${index} ${tokenCount}`),
    finish: (index, { reason }) => void told.push(`finish ${index} ${reason}`),
    flush: () => void told.push("flush"),
    end: () => void told.push("end"),
    error: ({ code }) => void told.push(`error ${code}`),
  });
  return { pair, legs, told, found };
}

const output = (tokenCount: number): TokenOutput =>
  ({ index: 0, tokenCount, cachedTokens: 0 }) as unknown as TokenOutput;
const finish = (reason: SequenceFinish["reason"], kvTransferParams?: string): SequenceFinish => ({
  reason,
  matchedStop: undefined,
  kvTransferParams,
});

function prefilled(leg: Leg | undefined): void {
  leg?.sink.output(output(1));
  leg?.sink.finish(0, finish("length", HANDOVER));
  leg?.sink.end();
}

/** As vLLM ends a generation whose blocks could not be fetched, streamed or not. */
function lost(leg: Leg | undefined): void {
  leg?.sink.output(output(0));
  leg?.sink.flush(false);
  leg?.sink.finish(0, finish("error"));
  leg?.sink.flush(true);
  leg?.sink.end();
}

describe("a pair of gRPC workers", () => {
  it("tells nothing of a decode leg that lacked the blocks", () => {
    const { legs, told } = setUp(["p1", "p2"]);
    prefilled(legs[0]);
    lost(legs[1]);
    expect([told, legs[1]?.isCancelled]).toEqual([[], true]);
    prefilled(legs[2]);
    legs[3]?.sink.output(output(1));
    legs[3]?.sink.flush(false);
    legs[3]?.sink.finish(0, finish("stop"));
    legs[3]?.sink.flush(true);
    legs[3]?.sink.end();
    expect(legs.map(({ worker, request }) => [worker, request.requestId])).toEqual([
      ["p1", "r"],
      ["d", "r"],
      ["p2", "r-p2"],
      ["d", "r-p2"],
    ]);
    expect(told).toEqual(["output 0 1", "flush", "finish 0 stop", "flush", "end"]);
  });

  it("tells the error of a decode engine that does no better without them", () => {
    const { legs, told } = setUp(["p1"]);
    prefilled(legs[0]);
    lost(legs[1]);
    lost(legs[2]);
    expect(legs[2]?.request).toMatchObject({ requestId: "r-d" });
    expect(legs[2]?.request.kvTransferParams).toBeUndefined();
    expect(told).toEqual(["output 0 0", "finish 0 error", "flush", "end"]);
  });

  it("tells an end without a token, late but whole", () => {
    const { legs, told } = setUp(["p1"]);
    prefilled(legs[0]);
    legs[1]?.sink.output(output(0));
    legs[1]?.sink.flush(false);
    expect(told).toEqual([]);
    legs[1]?.sink.finish(0, finish("stop"));
    legs[1]?.sink.flush(true);
    legs[1]?.sink.end();
    expect(told).toEqual(["output 0 0", "finish 0 stop", "flush", "end"]);
  });

  it("leaves a decode engine that is gone to the next attempt", () => {
    const { legs, told, pair } = setUp(["p1", "p2"]);
    prefilled(legs[0]);
    legs[1]?.sink.error(new EngineError("unavailable", "gone"));
    expect([told, legs.length, pair.isDecodeSpared]).toEqual([["error unavailable"], 2, false]);
  });

  it("has another prefill engine asked when one takes longer than its own time", () => {
    const { legs } = setUp(["p1", "p2"]);
    expect(legs[0]?.request.deadlineAtMs).toBe(1000);
    legs[0]?.sink.error(new EngineError("deadline_exceeded", "late"));
    expect(legs.map(({ worker }) => worker)).toEqual(["p1", "p2"]);
  });
});
