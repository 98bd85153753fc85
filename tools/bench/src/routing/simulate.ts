import {
  createBlockHasher,
  createDispatcher,
  createEngineCaches,
  createEngineLoadTable,
  createKvFeed,
  createLedger,
  createPolicy,
  createPrefixIndex,
  createSeededRandom,
  createSnapshot,
  createWorkerView,
  type KvEvent,
  type PlacementRecorder,
  policySharedBytes,
  type Settlement,
} from "@vllm-router/routing-core";
import type { Driven } from "./drive.ts";
import type { EngineTotals } from "./engine-fleet.ts";
import { type RoutingResult, routingResult } from "./routing-result.ts";
import {
  SimulatedEngine,
  type SimulatedSequence,
  simulatedSequence,
  SimulatedTime,
} from "./simulated-fleet.ts";
import type { Client, Workload } from "./workloads.ts";

/** What is simulated. */
export interface Simulation {
  readonly policy: string;
  readonly parameters: Readonly<Record<string, number>>;
  /** One after the other behind the same router, as in the bench in real time: on empty caches, but what policies remember stays. */
  readonly workloads: readonly Workload[];
  readonly seed: number;
  readonly engines: number;
  readonly kvBlocks: number;
  /** Request threads over one ledger and one index; a request falls on any of them. Default 1. */
  readonly threads?: number;
  /** Policies of the threads remember each for itself, where the router's share memory. Default false. */
  readonly isApart?: boolean;
  /** Prompts are known as text alone, of four bytes a token, matched in blocks of so many bytes. Known by their tokens when missing. */
  readonly textBlockBytes?: number | undefined;
}

interface Attempt {
  readonly startedAtMs: number;
  readonly maxTokens: number;
  readonly settlement: Settlement;
  readonly done: (tokens: readonly number[]) => void;
}

/** A client's request reaches the engine, and what the engine says the router, this much later. */
const WAY_MS = 1;
/** With several threads, placements reach the index this much later. */
const PLACEMENT_LAG_MS = 2;
/** Between the end of one workload and the start of the next one. */
const BETWEEN_MS = 500;
const NOTHING_DONE: EngineTotals = { promptTokens: 0, cachedTokens: 0, generatedTokens: 0 };
const ASSISTANT = 50_001;
const USER = 50_002;

/**
 * One policy on workloads in turn in simulated time: the router's own dispatcher, caches and ledger, fed with the events of the
 * simulator's own scheduler. The same arguments give the same figures on every machine, however busy it is.
 */
export function simulate(simulation: Simulation): readonly RoutingResult[] {
  const { policy, parameters, seed, engines: count, kvBlocks } = simulation;
  const { threads = 1, isApart = false, textBlockBytes } = simulation;
  const time = new SimulatedTime();
  const clock = (): number => time.nowMs;
  const ledger = createLedger({ slotCapacity: count });
  const loads = createEngineLoadTable({ slotCapacity: count });
  const caches = createEngineCaches({
    index: createPrefixIndex({ slotCapacity: 2 * count }),
    slotCapacity: count,
    clock,
  });
  const random = createSeededRandom(seed);
  const memory = {
    buffer: new SharedArrayBuffer(policySharedBytes(policy, parameters, count)),
    slotCapacity: count,
  };
  const recorder: PlacementRecorder =
    threads === 1
      ? caches
      : {
          insert: (keys, slot) => {
            const copy = { ...keys, words: keys.words.slice() };
            time.after(PLACEMENT_LAG_MS, () => {
              caches.insert(copy, slot);
            });
          },
        };
  const dispatchers = Array.from({ length: threads }, () =>
    createDispatcher({
      policy: createPolicy(policy, parameters, threads === 1 || isApart ? undefined : memory),
      ledger,
      loads,
      index: caches,
      recorder,
      hasher: createBlockHasher(textBlockBytes === undefined ? {} : { blockBytes: textBlockBytes }),
      clock,
      random,
    }),
  );
  const threadOf = createSeededRandom(seed + 1);
  const snapshot = createSnapshot({
    version: 1,
    publishedAtMs: 0,
    workers: Array.from({ length: count }, (_, slot) =>
      createWorkerView({ slot, id: `grpc://e${slot}`, models: ["simulated"] }),
    ),
  });
  const attempts = new Map<SimulatedSequence, Attempt>();
  let firstTokenMs: number[] = [];
  const onToken = (sequence: SimulatedSequence): boolean => {
    const attempt = attempts.get(sequence)!;
    const output = sequence.tokens.length - sequence.promptTokens;
    const isEnd = output === attempt.maxTokens;
    if (output === 1) firstTokenMs.push(time.nowMs + WAY_MS - attempt.startedAtMs);
    time.after(WAY_MS, () => {
      if (output === 1) attempt.settlement.firstOutput();
      attempt.settlement.addOutput(1);
      if (!isEnd) return;
      attempt.settlement.release();
      attempt.done(sequence.tokens.slice(sequence.promptTokens));
    });
    if (isEnd) attempts.delete(sequence);
    return isEnd;
  };
  const reports = Array.from({ length: count }, (_, at) => {
    const feed = createKvFeed({ cache: caches.cache(at), canReplay: false });
    let sequence = 0;
    return (events: readonly KvEvent[]): void => {
      const batch = { sequence, timestamp: 1, events };
      sequence += 1;
      time.after(WAY_MS, () => feed.receive(batch));
    };
  });
  let engines: readonly SimulatedEngine[] = [];
  let requests = 0;
  const ask = (prompt: readonly number[], maxTokens: number, done: Attempt["done"]): void => {
    const tokenIds = Int32Array.from(prompt);
    requests += 1;
    const generation = {
      requestId: `request-${requests}`,
      model: "simulated",
      ...(textBlockBytes === undefined ? { tokenIds } : { text: new Uint8Array(tokenIds.buffer) }),
      promptTokens: tokenIds.length,
      maxTokens,
      requiredFields: [],
      excludedWorkers: [],
    };
    const dispatcher = dispatchers[Math.floor(threadOf() * threads)]!;
    const decision = dispatcher.decide(dispatcher.gather(generation, snapshot));
    if (decision.kind !== "place") throw new Error("nothing was chosen");
    const settlement = dispatcher.settle(decision);
    const sequence = simulatedSequence(prompt);
    attempts.set(sequence, { startedAtMs: time.nowMs, maxTokens, settlement, done });
    time.after(WAY_MS, () => engines[decision.legs[0]!.slot]!.add(sequence));
  };
  return simulation.workloads.map((workload) => {
    // Engines as new, and the router hears of it.
    engines = reports.map((onEvents, at) => new SimulatedEngine({ time, at, kvBlocks, onToken, onEvents }));
    for (const report of reports) report([{ kind: "cleared" }]);
    firstTokenMs = [];
    requests = 0;
    for (const client of workload.clients) {
      time.after(BETWEEN_MS + client.startMs, () => talk(client, time, ask));
    }
    time.run();
    const driven: Driven = {
      requests,
      failures: 0,
      firstTokenMs: firstTokenMs.toSorted((one, other) => one - other),
    };
    const names = { workload: workload.name, candidate: policy };
    const after = engines.map(({ totals }) => totals);
    return routingResult(names, driven, { before: after.map(() => NOTHING_DONE), after });
  });
}

function talk(
  client: Client,
  time: SimulatedTime,
  ask: (prompt: readonly number[], maxTokens: number, done: Attempt["done"]) => void,
): void {
  const prompt = client.system === "" ? [] : tokensOf(client.system);
  const say = (at: number): void => {
    const turn = client.turns[at];
    if (turn === undefined) return;
    time.after(turn.pauseMs, () => {
      prompt.push(USER, ...tokensOf(turn.text), ASSISTANT);
      ask(prompt, turn.maxTokens, (answer) => {
        prompt.push(...answer);
        say(at + 1);
      });
    });
  };
  say(0);
}

/** Two UTF-16 units a token, as the workloads reckon. */
function tokensOf(text: string): number[] {
  const tokens: number[] = [];
  for (let at = 0; at < text.length; at += 2) {
    tokens.push((text.charCodeAt(at) * 211 + (text.charCodeAt(at + 1) || 0)) % 50_000);
  }
  return tokens;
}
