import { EngineError, type GenerateCall } from "@vllm-router/engine-client";
import { CONNECTORS } from "../connectors.ts";
import type { EngineIdentity, LegPlan } from "../connector.ts";
import type { LegOutcome, PrefillAnswer, PrefillLeg } from "../pair-lane.ts";
import { type PairEvent, PairRun } from "../pair-run.ts";

/** What vLLM's NIXL connector answers after a prefill, recorded from 0.32 but for the names. */
export const ANSWER = {
  do_remote_prefill: true,
  do_remote_decode: false,
  remote_block_ids: [[1, 2, 3, 4]],
  remote_engine_id: "engine-p",
  remote_request_id: "cmpl-1-0-abcdef01",
  remote_host: "127.0.0.1",
  remote_port: 18590,
  tp_size: 1,
  remote_num_tokens: 401,
  transfer_mode: "pull",
};

class FakeCall implements GenerateCall {
  isCancelled = false;
  isPaused = false;
  cancel(): void {
    this.isCancelled = true;
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
}

/** A pair among legs that tests answer for, with what it did written down. */
export function setUpPair(options: {
  readonly prefill?: readonly string[];
  readonly fallsBack?: boolean;
  readonly identity?: EngineIdentity;
  readonly isDecodeAlive?: () => boolean;
  readonly connector?: keyof typeof CONNECTORS;
}) {
  const names = [...(options.prefill ?? ["p1", "p2"])];
  const prefills: { worker: string; plan: LegPlan; answer: (answer: PrefillAnswer) => void }[] = [];
  const decodes: { requestId: string | undefined; params: string | undefined; call: FakeCall }[] = [];
  const released: string[] = [];
  const cancelled: string[] = [];
  const failures: EngineError[] = [];
  const events: PairEvent[] = [];
  const learned: EngineIdentity[] = [];
  const timers: (() => void)[] = [];
  const dead = new Set<string>();
  const legOf = (name: string): PrefillLeg<string> => {
    let isReleased = false;
    return {
      worker: { id: name, rank: undefined, ranks: 1, identity: options.identity },
      engine: name,
      isAlive: () => !dead.has(name),
      learn: (identity) => void learned.push(identity),
      judge: (outcome) => void released.push(`${name} judged ${outcome}`),
      release: (outcome: LegOutcome) => {
        if (!isReleased) {
          isReleased = true;
          released.push(`${name} ${outcome}`);
        }
      },
    };
  };
  const next = (): PrefillLeg<string> | undefined => {
    const name = names.shift();
    return name === undefined ? undefined : legOf(name);
  };
  const pair: PairRun<string> = new PairRun<string>({
    connector: CONNECTORS[options.connector ?? "nixl"],
    requestId: "id",
    decode: { id: "d", rank: undefined, ranks: 1, identity: undefined },
    isDecodeAlive: options.isDecodeAlive ?? (() => true),
    nextPrefill: next,
    fallsBack: options.fallsBack ?? true,
    uniqueId: () => "unique",
    after: (_delayMs, action) => {
      timers.push(action);
      return () => void timers.splice(timers.indexOf(action), 1);
    },
    told: (event) => void events.push(event),
    lane: {
      prefill: (leg, plan, answer) => {
        prefills.push({ worker: leg.worker.id, plan, answer });
        return () => void cancelled.push(leg.worker.id);
      },
      decode: (requestId, params) => {
        const call = new FakeCall();
        decodes.push({ requestId, params, call });
        return call;
      },
      fail: (error) => void failures.push(error),
    },
  });
  pair.start(next()!);
  const runTimers = (): void => timers.splice(0).forEach((action) => action());
  return { pair, prefills, decodes, released, cancelled, failures, events, learned, dead, runTimers };
}

/** A prefill answer with these parameters; NIXL's without any. */
export const answered = (...given: readonly unknown[]): PrefillAnswer => {
  const params = given.length === 0 ? ANSWER : given[0];
  return {
    kind: "answered",
    params: params === undefined ? undefined : JSON.stringify(params),
    cachedTokens: 7,
  };
};
/** A prefill leg that failed. */
export const failed = (code: EngineError["code"]): PrefillAnswer => ({
  kind: "failed",
  error: new EngineError(code, "no"),
});

