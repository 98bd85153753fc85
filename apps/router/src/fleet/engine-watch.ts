import { EngineError, type EngineConnection, type KvEventBatch } from "@vllm-router/engine-client";
import type { EngineLoadTable, Ledger } from "@vllm-router/routing-core";
import type { RoutingModels } from "../models/routing-models.ts";
import { EngineEvents, type EngineEventListener, type LoadSample } from "./engine-events.ts";
import { readEngineFigures } from "./engine-metrics-text.ts";
import { LoadPoller, type LoadAnswer } from "./load-poller.ts";
import type { Timers } from "./timers.ts";
import type { WorkerFacts } from "./worker-connector.ts";
import type { Worker } from "./worker.ts";

/** Follows an engine, its load and what else it pushes, from the begin of its life until it is disposed of. */
export type EngineWatch = (worker: Worker, facts: WorkerFacts) => Disposable;

/** What watching takes. */
export interface EngineWatchOptions {
  readonly timers: Timers;
  readonly ledger: Ledger;
  readonly loads: EngineLoadTable;
  /** Whether anybody looks at the load: else nobody is asked for it. */
  readonly wantsLoad: boolean;
  /** Pause between two questions to a busy engine that does not push its load, milliseconds; 0 asks nobody. */
  readonly pollIntervalMs: number;
  /** Hears the KV blocks of a worker; a subscription is made for it also when nobody looks at the load. */
  readonly blocks?: (worker: Worker, batch: KvEventBatch) => void;
  /** … and that some of them may have been missed. */
  readonly interrupted?: (worker: Worker) => void;
  /** Learns about the models of HTTP workers. */
  readonly models?: RoutingModels;
}

/** Pushed figures this many poll intervals old are asked for again: an idle engine pushes seldom, a silent one never. */
const TOLD_FOR_INTERVALS = 12;

/** Makes the watch that the fleet sets on each engine when its life begins. */
export function createEngineWatch(options: EngineWatchOptions): EngineWatch {
  const { blocks, interrupted, wantsLoad } = options;
  return (worker, facts) => {
    const { connection } = worker;
    const report = (sample: LoadSample): void => reportTo(options, worker, sample);
    const listener: EngineEventListener = {
      ...(wantsLoad ? { load: report } : {}),
      ...(blocks === undefined ? {} : { blocks: (batch) => blocks(worker, batch) }),
      ...(interrupted === undefined ? {} : { interrupted: () => interrupted(worker) }),
    };
    const isSubscribed = connection.dialect === "vllm-engine" && (wantsLoad || blocks !== undefined);
    const events = isSubscribed
      ? new EngineEvents({ source: connection.admin, timers: options.timers, listeners: [listener] })
      : undefined;
    const poller = wantsLoad ? pollerFor(worker, { options, events, report }) : undefined;
    const learned = connection.dialect === "http" ? options.models?.learn(facts) : undefined;
    return {
      [Symbol.dispose]: () => {
        learned?.[Symbol.dispose]();
        events?.[Symbol.dispose]();
        poller?.[Symbol.dispose]();
        for (let rank = 0; rank < worker.ranks; rank += 1) {
          options.loads.clear(worker.slot + rank);
        }
      },
    };
  };
}

function reportTo({ ledger, loads }: EngineWatchOptions, worker: Worker, { rank, load }: LoadSample): void {
  if (rank >= 0 && rank < worker.ranks) {
    const slot = worker.slot + rank;
    loads.report(slot, load, ledger.requests(slot));
  }
}

function pollerFor(
  worker: Worker,
  context: {
    readonly options: EngineWatchOptions;
    readonly events: EngineEvents | undefined;
    readonly report: (sample: LoadSample) => void;
  },
): LoadPoller | undefined {
  const { events, report } = context;
  const { timers, ledger, pollIntervalMs } = context.options;
  const ask = questionFor(worker.connection, timers, pollIntervalMs);
  if (pollIntervalMs === 0 || ask === undefined) {
    return undefined;
  }
  return new LoadPoller({
    timers,
    intervalMs: pollIntervalMs,
    phase: ((worker.slot * 37) % 100) / 100,
    ask,
    isBusy: () => {
      let requests = 0;
      for (let rank = 0; rank < worker.ranks; rank += 1) {
        requests += ledger.requests(worker.slot + rank);
      }
      return requests > 0;
    },
    isTold: () =>
      events !== undefined && timers.steadyMs() - events.lastLoadAtMs < TOLD_FOR_INTERVALS * pollIntervalMs,
    heard: report,
  });
}

/** How an engine is asked for its load; undefined for one that cannot be asked. */
function questionFor(
  connection: EngineConnection,
  timers: Timers,
  timeoutMs: number,
): (() => Promise<readonly LoadAnswer[] | undefined>) | undefined {
  const deadline = (): { readonly deadlineAtMs: number } => ({
    deadlineAtMs: timers.now() + Math.max(1_000, timeoutMs),
  });
  switch (connection.dialect) {
    case "vllm-engine":
      return () => unlessUnknown(askEngine(connection.admin, deadline()));
    case "http":
      return () => unlessUnknown(connection.admin.metrics(deadline()).then(readEngineFigures));
    default:
      return undefined;
  }
}

type VllmEngineConnection = Extract<EngineConnection, { readonly dialect: "vllm-engine" }>;

async function askEngine(
  admin: VllmEngineConnection["admin"],
  options: { readonly deadlineAtMs: number },
): Promise<readonly LoadAnswer[]> {
  const { loads } = await admin.getLoads(options);
  return loads.map((load) => ({
    rank: load.dpRank,
    runningRequests: load.numRunningReqs,
    waitingRequests: load.numWaitingReqs,
    kvCacheUsage: load.tokenUsage,
  }));
}

/** An engine that does not know the question will never answer it. */
async function unlessUnknown(
  answers: Promise<readonly LoadAnswer[]>,
): Promise<readonly LoadAnswer[] | undefined> {
  try {
    return await answers;
  } catch (error) {
    if (error instanceof EngineError && error.code === "unimplemented") {
      return undefined;
    }
    throw error;
  }
}
