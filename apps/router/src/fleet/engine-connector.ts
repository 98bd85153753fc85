import {
  connectEngine,
  EngineError,
  probeEngine,
  type AdminCallOptions,
  type EngineConnection,
  type EngineModelInfo,
  type EngineTransport,
  type HttpClient,
  type HttpEngineConnection,
  type InferenceConnection,
  type VllmEngineConnection,
} from "@vllm-router/engine-client";
import type { ModelFiles } from "../models/model-files.ts";
import { StaggeredStart } from "./staggered-start.ts";
import type { Timers } from "./timers.ts";
import { TokenizerArchives } from "./tokenizer-archives.ts";
import { randomId } from "../pipeline/random-id.ts";
import { probeHttpPath } from "./probe-http-path.ts";
import type {
  ConnectedWorker,
  PoolingFacts,
  ProbeVerdict,
  WorkerConnector,
  WorkerFacts,
  ServedCard,
} from "./worker-connector.ts";

/** The first token of every vocabulary. */
const PROBE_TOKEN_IDS: readonly number[] = [0];

/** How engines are reached. */
export interface EngineConnectorOptions {
  /** `--engine-transport`: how token streams are carried. */
  readonly transport: EngineTransport;
  /** `--engine-http-client`: how requests are passed on to HTTP workers. Default `net`. */
  readonly httpClient?: HttpClient;
  /** Longest time of one health probe, milliseconds. */
  readonly probeTimeoutMs: number;
  /** Longest time of finding out about a new engine, milliseconds: its tokenizer files are tens of megabytes. */
  readonly registrationTimeoutMs: number;
  readonly timers: Pick<Timers, "now" | "after" | "steadyMs">;
  /** `--health-check-endpoint`: path probed on HTTP workers. Default `/health`. */
  readonly healthPath?: string;
  /** Data-parallel ranks behind the address of an HTTP worker, which does not say it itself. Default 1. */
  readonly httpRanks?: number;
}

/** Reaches engines through `engine-client`, whatever protocol they speak. */
export class EngineConnector implements WorkerConnector {
  readonly #options: EngineConnectorOptions;
  readonly #archives: TokenizerArchives;
  readonly #start: StaggeredStart;

  constructor(options: EngineConnectorOptions) {
    this.#options = options;
    this.#archives = new TokenizerArchives({ timers: options.timers });
    this.#start = new StaggeredStart(options.timers);
  }

  async connect(url: string, signal: AbortSignal): Promise<ConnectedWorker> {
    const turn = await this.#start.turn();
    try {
      return await this.#connect(url, signal, () => turn.answers());
    } finally {
      turn.end();
    }
  }

  async #connect(url: string, signal: AbortSignal, answers: () => void): Promise<ConnectedWorker> {
    const probing = this.#deadline(this.#options.probeTimeoutMs, signal);
    const description = await probeEngine(url, probing);
    const { transport, httpClient } = this.#options;
    const connection = connectEngine(description, {
      transport,
      ...(httpClient === undefined ? {} : { httpClient }),
    });
    try {
      if ((await this.#health(connection, probing)) !== "serving") {
        throw new EngineError("unavailable", "the engine answers, but is not serving yet");
      }
      answers();
      const asking = this.#deadline(this.#options.registrationTimeoutMs, signal);
      return { connection, facts: await this.#facts(connection, asking) };
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async probe(worker: ConnectedWorker, signal: AbortSignal): Promise<ProbeVerdict> {
    const options = this.#deadline(this.#options.probeTimeoutMs, signal);
    const health = await this.#health(worker.connection, options);
    if (health !== "serving") {
      return health;
    }
    const { connection, facts } = worker;
    if (connection.dialect === "http") {
      return judgeListed(await optional(connection.admin.models(options), undefined), facts);
    }
    if (connection.dialect === "vllm-inference") {
      return judgeInference(await inferenceFacts(connection, options), facts);
    }
    if (!(await isSameModel(connection, facts, options))) {
      return "replaced";
    }
    const comparing = (): AdminCallOptions => this.#deadline(this.#options.registrationTimeoutMs, signal);
    const isAsGiven =
      connection.dialect !== "vllm-engine" || this.#archives.isAsGiven(connection.admin, comparing);
    return isAsGiven ? "serving" : "replaced";
  }

  #facts(connection: EngineConnection, options: AdminCallOptions): Promise<WorkerFacts> {
    switch (connection.dialect) {
      case "vllm-engine":
        return vllmEngineFacts(connection, options, this.#archives);
      case "vllm-inference":
        return inferenceFacts(connection, options);
      case "http":
        return httpFacts(connection, options, this.#options.httpRanks ?? 1);
    }
  }

  async #health(connection: EngineConnection, options: AdminCallOptions): Promise<"serving" | "not-serving"> {
    switch (connection.dialect) {
      case "vllm-engine":
        return vllmEngineHealth(connection, options);
      case "vllm-inference":
        return inferenceHealth(connection, options);
      case "http": {
        const status = await probeHttpPath(connection.engine, this.#options.healthPath ?? "/health", options);
        return status >= 200 && status < 300 ? "serving" : "not-serving";
      }
    }
  }

  #deadline(timeoutMs: number, signal: AbortSignal): AdminCallOptions {
    return { deadlineAtMs: this.#options.timers.now() + timeoutMs, signal };
  }
}

/** The standard service knows whether the engine has come up, its own call whether it still lives. */
async function vllmEngineHealth(
  { admin }: VllmEngineConnection,
  options: AdminCallOptions,
): Promise<"serving" | "not-serving"> {
  const [standard, own] = await Promise.all([
    optional(admin.standardHealth(undefined, options), "unknown" as const),
    admin.healthCheck(options),
  ]);
  return own.healthy && standard !== "not-serving" ? "serving" : "not-serving";
}

/** The standard service says whether it serves, any answer of its own that it lives where that service is missing. */
async function inferenceHealth(
  { admin }: InferenceConnection,
  options: AdminCallOptions,
): Promise<"serving" | "not-serving"> {
  const [standard] = await Promise.all([
    optional(admin.standardHealth(undefined, options), "unknown" as const),
    admin.getServerInfo(options),
  ]);
  return standard === "not-serving" ? "not-serving" : "serving";
}

/** The protocol hands out no files and no defaults: they come from flags, this machine or the hub. */
async function inferenceFacts(
  { admin }: InferenceConnection,
  options: AdminCallOptions,
): Promise<WorkerFacts> {
  const [model, server] = await Promise.all([admin.getModelInfo(options), admin.getServerInfo(options)]);
  const adapters = model.supportsLora ? await optional(admin.listLoras(options), []) : [];
  const [parent = ""] = model.servedModelNames;
  return {
    modelNames: model.servedModelNames,
    cards: adapters.map(({ name, path }) => ({ id: name, root: path, parent, maxModelTokens: undefined })),
    root: model.modelPath,
    maxModelLength: server.maxContextTokens,
    vocabularySize: 0,
    ranks: Math.max(1, server.dataParallelSize),
    constraintsAwait: model.reasoningParser === "" ? undefined : model.reasoningParser,
    engineVersion: server.version,
    files: new Map(),
    tokenizerPath: model.modelPath,
    endTokenIds: [],
    samplingDefaults: {},
  };
}

async function vllmEngineFacts(
  { admin }: VllmEngineConnection,
  options: AdminCallOptions,
  archives: TokenizerArchives,
): Promise<WorkerFacts> {
  const asked = admin.getModelInfo(options);
  const [model, server, version, files] = await Promise.all([
    asked,
    admin.getServerInfo(options),
    optional(
      admin.getLoads(options).then((loads) => loads.version),
      "",
    ),
    optional<ModelFiles>(
      asked.then((said) => archives.receive(admin, { identity: JSON.stringify(said), options })),
      new Map(),
    ),
  ]);
  return {
    modelNames: model.servedModelNames,
    root: model.modelPath,
    maxModelLength: model.maxContextTokens,
    vocabularySize: model.vocabularySize,
    ranks: Math.max(1, server.dataParallelSize),
    constraintsAwait:
      server.constrainedDecodingStart === "after_reasoning" ? server.reasoningParser : undefined,
    engineVersion: version,
    files,
    tokenizerPath: model.tokenizerPath === "" ? model.modelPath : model.tokenizerPath,
    endTokenIds: model.eosTokenIds,
    pooling: model.isGeneration ? undefined : await poolingFacts(admin, { model, options }),
    samplingDefaults: model.defaultSamplingParameters,
    kvIdentity: server.kvEngineId === "" ? undefined : { engineIds: new Map([[0, server.kvEngineId]]) },
  };
}

/** The engine does not say whether its model embeds, nor into how many numbers: one token tells. */
async function poolingFacts(
  admin: VllmEngineConnection["admin"],
  asked: { readonly model: EngineModelInfo; readonly options: AdminCallOptions },
): Promise<PoolingFacts> {
  const { model, options } = asked;
  const traits = { architecture: model.architectures[0] ?? "", isMultimodal: model.supportsVision };
  try {
    const probe = { requestId: `router-probe-${randomId()}`, tokenIds: PROBE_TOKEN_IDS };
    const { values } = await admin.embed(probe, options);
    return { ...traits, embeddingSize: values.length, refusal: "" };
  } catch (error) {
    if (error instanceof EngineError && (error.code === "rejected" || error.code === "unimplemented")) {
      return { ...traits, embeddingSize: undefined, refusal: error.message };
    }
    throw error;
  }
}

async function httpFacts(
  { admin }: HttpEngineConnection,
  options: AdminCallOptions,
  ranks: number,
): Promise<WorkerFacts> {
  const [models, version] = await Promise.all([
    optional(admin.models(options), []),
    optional(admin.version(options), ""),
  ]);
  const base = models.find((model) => model.parent === undefined);
  return {
    modelNames: models.map((model) => model.id),
    cards: models,
    adapterNames: models.filter((model) => model.parent !== undefined).map((model) => model.id),
    root: base?.root ?? "",
    maxModelLength: base?.maxModelTokens ?? 0,
    vocabularySize: 0,
    ranks,
    engineVersion: version,
    files: new Map(),
    tokenizerPath: base?.root ?? "",
    endTokenIds: [],
    samplingDefaults: {},
  };
}

/** A call that an engine may not know or refuse: then there is nothing to learn from it. Others must succeed. */
async function optional<T>(call: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof EngineError && ["unimplemented", "rejected", "internal"].includes(error.code)) {
      return otherwise;
    }
    throw error;
  }
}

async function isSameModel(
  { admin }: VllmEngineConnection,
  facts: WorkerFacts,
  options: AdminCallOptions,
): Promise<boolean> {
  const known = facts.kvIdentity?.engineIds.get(0);
  const [model, server] = await Promise.all([
    admin.getModelInfo(options),
    known === undefined ? undefined : admin.getServerInfo(options),
  ]);
  return (
    // Blocks held for, or by, another life of the engine are nobody's.
    server?.kvEngineId === known &&
    sameNames(model.servedModelNames, facts.modelNames) &&
    model.modelPath === facts.root &&
    model.maxContextTokens === facts.maxModelLength &&
    model.vocabularySize === facts.vocabularySize
  );
}

function judgeInference(found: WorkerFacts, facts: WorkerFacts): ProbeVerdict {
  const isSame =
    sameNames(found.modelNames, facts.modelNames) &&
    found.root === facts.root &&
    found.maxModelLength === facts.maxModelLength;
  if (!isSame) {
    return "replaced";
  }
  const same = sameNames(namesOf(found.cards ?? []), namesOf(facts.cards ?? []));
  return same ? "serving" : { kind: "adapters-changed", facts: { ...facts, cards: found.cards ?? [] } };
}

/** Adapters come and go at an HTTP worker; another base model is another engine. */
function judgeListed(models: readonly ServedCard[] | undefined, facts: WorkerFacts): ProbeVerdict {
  const before = facts.cards ?? [];
  if (models === undefined || sameNames(namesOf(models), namesOf(before))) {
    return "serving";
  }
  const isBase = ({ parent }: ServedCard): boolean => parent === undefined;
  if (!sameNames(namesOf(models.filter(isBase)), namesOf(before.filter(isBase)))) {
    return "replaced";
  }
  return { kind: "adapters-changed", facts: { ...facts, modelNames: namesOf(models), cards: models } };
}

function namesOf(models: readonly ServedCard[]): readonly string[] {
  return models.map(({ id }) => id);
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name, index) => name === right[index]);
}
