import {
  connectEngine,
  probeEngine,
  type EngineConnection,
  type EngineTransport,
  type HttpEngineConnection,
  type VllmEngineConnection,
} from "@vllm-router/engine-client";
import { RouterError } from "../router-error.ts";
import type { ConnectedWorker, WorkerConnector, WorkerFacts } from "./worker-connector.ts";

/** How engines are reached. */
export interface EngineConnectorOptions {
  readonly transport: EngineTransport;
  /** Longest time a health probe may take, milliseconds. */
  readonly probeTimeoutMs: number;
  /** Longest time finding out about an engine may take, tokenizer files included, milliseconds. */
  readonly registrationTimeoutMs: number;
  readonly now: () => number;
}

/** Reaches engines through engine-client. */
export class EngineConnector implements WorkerConnector {
  readonly #options: EngineConnectorOptions;

  constructor(options: EngineConnectorOptions) {
    this.#options = options;
  }

  async connect(url: string): Promise<ConnectedWorker> {
    const { transport, probeTimeoutMs, registrationTimeoutMs, now } = this.#options;
    const description = await probeEngine(url, { deadlineAtMs: now() + probeTimeoutMs });
    const connection = connectEngine(description, { transport });
    try {
      const deadlineAtMs = now() + registrationTimeoutMs;
      const facts =
        connection.dialect === "http"
          ? await httpFacts(connection, deadlineAtMs)
          : await vllmEngineFacts(connection, deadlineAtMs);
      return { connection, facts };
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async probe(worker: ConnectedWorker): Promise<boolean> {
    const { probeTimeoutMs, now } = this.#options;
    return isHealthy(worker.connection, now() + probeTimeoutMs);
  }
}

async function isHealthy(connection: EngineConnection, deadlineAtMs: number): Promise<boolean> {
  if (connection.dialect === "http") {
    const status = await connection.admin.health({ deadlineAtMs });
    return status >= 200 && status < 300;
  }
  return (await connection.admin.healthCheck({ deadlineAtMs })).healthy;
}

async function vllmEngineFacts(connection: VllmEngineConnection, deadlineAtMs: number): Promise<WorkerFacts> {
  const { admin } = connection;
  if ((await admin.standardHealth("", { deadlineAtMs })) !== "serving") {
    throw new RouterError("startup_timeout", "the engine is still starting");
  }
  const [model, server, loads] = await Promise.all([
    admin.getModelInfo({ deadlineAtMs }),
    admin.getServerInfo({ deadlineAtMs }),
    admin.getLoads({ deadlineAtMs }),
  ]);
  const files = await admin.getTokenizer({ deadlineAtMs }).then(
    (bundle) => bundle.files,
    () => new Map<string, Uint8Array>(),
  );
  return {
    modelNames: model.servedModelNames,
    root: model.modelPath,
    maxModelLength: model.maxContextTokens,
    vocabularySize: model.vocabularySize,
    ranks: Math.max(1, server.dataParallelSize),
    engineVersion: loads.version,
    files,
    tokenizerPath: model.tokenizerPath,
  };
}

async function httpFacts(connection: HttpEngineConnection, deadlineAtMs: number): Promise<WorkerFacts> {
  const { admin } = connection;
  if (!(await isHealthy(connection, deadlineAtMs))) {
    throw new RouterError("startup_timeout", "the engine is still starting");
  }
  const models = await admin.models({ deadlineAtMs });
  const version = await admin.version({ deadlineAtMs }).catch(() => "");
  return {
    modelNames: models.map((model) => model.id),
    root: models[0]?.root ?? "",
    maxModelLength: models[0]?.maxModelTokens ?? 0,
    vocabularySize: 0,
    ranks: 1,
    engineVersion: version,
    files: new Map(),
    tokenizerPath: "",
  };
}
