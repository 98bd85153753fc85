import {
  EngineError,
  HTTP_CAPABILITIES,
  VLLM_ENGINE_CAPABILITIES,
  type EngineConnection,
} from "@vllm-router/engine-client";
import type {
  ConnectedWorker,
  ProbeVerdict,
  WorkerConnector,
  WorkerFacts,
} from "../src/fleet/worker-connector.ts";

/** An engine that is only told about: what it answers is set by the test. */
export interface FakeEngine {
  isUp: boolean;
  verdict: ProbeVerdict | "timeout";
  facts: WorkerFacts;
  dialect: "vllm-engine" | "http";
  /** Connections that were opened, and how many are still open. */
  connects: number;
  open: number;
  probes: number;
}

/** Facts of a small model. */
export const FAKE_FACTS: WorkerFacts = {
  modelNames: ["m"],
  root: "/models/m",
  maxModelLength: 2048,
  vocabularySize: 1000,
  ranks: 1,
  engineVersion: "0.32.0",
  files: new Map(),
  tokenizerPath: "/models/m",
  endTokenIds: [],
  samplingDefaults: {},
};

/** A connector to fake engines by their URLs. */
export interface FakeConnector extends WorkerConnector {
  engine(url: string): FakeEngine;
}

/** Creates a connector; engines come into being when first asked for, up and well. */
export function createFakeConnector(): FakeConnector {
  const engines = new Map<string, FakeEngine>();
  const urls = new WeakMap<EngineConnection, string>();
  const engine = (url: string): FakeEngine => {
    let known = engines.get(url);
    if (known === undefined) {
      known = {
        isUp: true,
        verdict: "serving",
        facts: FAKE_FACTS,
        dialect: "vllm-engine",
        connects: 0,
        open: 0,
        probes: 0,
      };
      engines.set(url, known);
    }
    return known;
  };
  const refuseIfDown = (url: string): void => {
    if (!engine(url).isUp) {
      throw new EngineError("unavailable", `connect ECONNREFUSED ${url}`);
    }
  };
  return {
    engine,
    async connect(url: string, signal: AbortSignal): Promise<ConnectedWorker> {
      const state = engine(url);
      state.connects += 1;
      await Promise.resolve();
      if (signal.aborted) {
        throw new EngineError("cancelled", "cancelled");
      }
      refuseIfDown(url);
      state.open += 1;
      const connection = connectionOf(state);
      urls.set(connection, url);
      return { connection, facts: state.facts };
    },
    async probe({ connection }: ConnectedWorker): Promise<ProbeVerdict> {
      const url = urls.get(connection) ?? "";
      const state = engine(url);
      state.probes += 1;
      await Promise.resolve();
      refuseIfDown(url);
      if (state.verdict === "timeout") {
        throw new EngineError("deadline_exceeded", "the engine did not answer in time");
      }
      return state.verdict;
    },
  };
}

function connectionOf(state: FakeEngine): EngineConnection {
  let isClosed = false;
  const isHttp = state.dialect === "http";
  return {
    dialect: state.dialect,
    description: { dialect: state.dialect, address: "fake:1", secure: false },
    engine: { capabilities: isHttp ? HTTP_CAPABILITIES : VLLM_ENGINE_CAPABILITIES },
    admin: {},
    close: async () => {
      if (!isClosed) {
        isClosed = true;
        state.open -= 1;
      }
      await Promise.resolve();
    },
    // Only what a fleet looks at: no test here calls the engine itself.
  } as unknown as EngineConnection;
}
