import {
  VLLM_ENGINE_CAPABILITIES,
  type EngineCapabilities,
  type EngineError,
  type GenerateCall,
  type GenerateRequest,
  type GenerateSink,
  type SequenceFinish,
  type TokenOutput,
} from "@vllm-router/engine-client";
import { ModelBuilder } from "../src/models/build-model-runtime.ts";
import { readLocalModelFiles } from "../src/models/model-files.ts";
import type { ModelRuntime } from "../src/models/model-runtime.ts";
import type { AttemptOutcome } from "../src/observability/router-observer.ts";
import type { Placement, PlacementRequest, PlacementResult, Placer } from "../src/pipeline/placement.ts";
import type { RequestEnvelope } from "../src/pipeline/request-envelope.ts";
import { errorBody } from "@vllm-router/api";
import type { Exchange, ExchangeListener } from "../src/server/exchange.ts";
import { BUILTIN_MODEL } from "./builtin-model.ts";
import { FAKE_FACTS } from "./fake-engine.ts";

/** The simulator's built-in model as the router sees it, served as `m` with a context of 2048 tokens. */
export async function builtinRuntime(): Promise<ModelRuntime> {
  const builder = new ModelBuilder({
    servedModelNames: [],
    modelPath: undefined,
    tokenizerPath: undefined,
    chatTemplate: undefined,
    generationConfig: "auto",
    overrideGenerationConfig: {},
    fingerprintMode: "full",
    fingerprintValue: undefined,
    keepsTokenizerFiles: true,
    hub: {
      endpoint: "http://127.0.0.1:1",
      token: undefined,
      offline: true,
      cacheDirectory: "/nowhere",
      timeoutMs: 1,
    },
  });
  return builder.build({
    ...FAKE_FACTS,
    vocabularySize: 5_000,
    files: await readLocalModelFiles(BUILTIN_MODEL),
  });
}

/** What a route would know of a request. */
export function envelopeOf(model: ModelRuntime): RequestEnvelope {
  return {
    responseId: "cmpl-id",
    created: 1_700_000_000,
    model,
    settings: {
      trustRequestChatTemplate: false,
      defaultChatTemplateKwargs: new Map(),
      contentFormat: "auto",
      maxLogprobs: 20,
    },
    writerSettings: {
      responseRole: "assistant",
      promptTokensDetails: true,
      forceIncludeUsage: false,
      returnTokensAsTokenIds: false,
    },
    routingKey: undefined,
    rank: undefined,
    metadata: undefined,
  };
}

/** One call of an engine, led by the test. Silent after `cancel()`, as real ones. */
export class FakeCall implements GenerateCall {
  readonly request: GenerateRequest;
  readonly worker: string;
  isCancelled = false;
  isPaused = false;
  readonly #sink: GenerateSink;

  constructor(worker: string, request: GenerateRequest, sink: GenerateSink) {
    this.worker = worker;
    this.request = request;
    this.#sink = sink;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  /** An output of these tokens. */
  output(tokenIds: readonly number[], rest: Partial<TokenOutput> = {}): this {
    return this.#tell((sink) =>
      sink.output({
        index: 0,
        tokenIds,
        tokenCount: tokenIds.length,
        logprobs: undefined,
        promptLogprobs: undefined,
        promptTokens: this.request.tokenIds.length,
        cachedTokens: 0,
        ...rest,
      }),
    );
  }

  finish(reason: SequenceFinish["reason"], index = 0): this {
    return this.#tell((sink) =>
      sink.finish(index, { reason, matchedStop: undefined, kvTransferParams: undefined }),
    );
  }

  flush(isLast?: boolean): this {
    return this.#tell((sink) => sink.flush(isLast));
  }

  end(): void {
    this.#tell((sink) => sink.end());
  }

  error(error: EngineError): void {
    this.#tell((sink) => sink.error(error));
  }

  #tell(say: (sink: GenerateSink) => void): this {
    if (!this.isCancelled) {
      say(this.#sink);
    }
    return this;
  }
}

/** Workers by name; places on the first that is up and not excluded, and counts what it gave and got back. */
export class FakePlacer implements Placer {
  readonly workers = new Map<string, { isUp: boolean; capabilities: EngineCapabilities }>();
  readonly requests: { readonly excluded: readonly string[]; readonly sequences: number }[] = [];
  readonly calls: FakeCall[] = [];
  /** `worker outcome` of every place given back. */
  readonly released: string[] = [];
  /** Thrown by the next `generate`. */
  generateError: Error | undefined;
  /** What every failure is said to be: another engine's. */
  isSpared = false;
  outputTokens = 0;
  held = 0;

  constructor(...names: readonly string[]) {
    for (const name of names) {
      this.workers.set(name, { isUp: true, capabilities: VLLM_ENGINE_CAPABILITIES });
    }
  }

  /** The call made last. */
  get last(): FakeCall {
    const call = this.calls.at(-1);
    if (call === undefined) {
      throw new Error("no engine was called");
    }
    return call;
  }

  place(request: PlacementRequest): PlacementResult {
    this.requests.push({ excluded: [...request.excludedWorkers], sequences: request.sequences });
    for (const [name, worker] of this.workers) {
      if (worker.isUp && !request.excludedWorkers.includes(name)) {
        return { kind: "placed", placement: this.#book(name, worker.capabilities) };
      }
    }
    return {
      kind: "not-placed",
      failure: { code: "no_worker", message: "No engine is ready.", field: undefined },
    };
  }

  #book(workerId: string, capabilities: EngineCapabilities): Placement {
    this.held += 1;
    let isReleased = false;
    return {
      workerId,
      rank: undefined,
      reason: "first",
      deadlineAtMs: undefined,
      output: (tokens) => (this.outputTokens += tokens),
      isSpared: () => this.isSpared,
      release: (outcome: AttemptOutcome) => {
        this.released.push(`${workerId} ${outcome}`);
        this.held -= isReleased ? 0 : 1;
        isReleased = true;
      },
      engine: {
        capabilities,
        generate: (request, sink) => {
          const error = this.generateError;
          if (error !== undefined) {
            this.generateError = undefined;
            throw error;
          }
          const call = new FakeCall(workerId, request, sink);
          this.calls.push(call);
          return call;
        },
      },
    };
  }
}

/** The client's side of a request, kept in memory. */
export class FakeExchange {
  errorBody = errorBody;
  readonly written: string[] = [];
  status: number | undefined;
  isEnded = false;
  gone = false;
  /** True as long as the client's socket is full. */
  isFull = false;
  listener: ExchangeListener | undefined;
  readonly #headers = new Map<string, string>();
  #pending = "";

  /** As the pipeline knows it. */
  get asExchange(): Exchange {
    return this as unknown as Exchange;
  }

  get committed(): boolean {
    return this.status !== undefined;
  }

  get ended(): boolean {
    return this.isEnded;
  }

  /** Everything that was written. */
  get text(): string {
    return this.written.join("");
  }

  /** The client leaves. */
  leave(): void {
    this.gone = true;
    this.listener?.gone();
  }

  /** The client reads on. */
  drain(): void {
    this.isFull = false;
    this.listener?.drained();
  }

  listen(listener: ExchangeListener | undefined): void {
    this.listener = listener;
    if (this.gone) {
      listener?.gone();
    }
  }

  setHeader(name: string, value: string): void {
    this.#headers.set(name, value);
  }

  append(text: string): void {
    this.#pending += text;
  }

  flush(): boolean {
    if (this.#pending !== "" && !this.isEnded && !this.gone) {
      this.status ??= 200;
      this.written.push(this.#pending);
    }
    this.#pending = "";
    return !this.isFull;
  }

  endStream(): void {
    this.flush();
    this.status ??= 200;
    this.isEnded = true;
  }

  send(status: number, body: string): void {
    if (!this.committed && !this.gone) {
      this.status = status;
      this.written.push(body);
      this.isEnded = true;
    }
  }

  sendJson(status: number, body: string): void {
    this.send(status, body);
  }

  destroy(): void {
    this.isEnded = true;
  }
}

/** Retry timers that fire when told. */
export class FakeDelays {
  readonly waiting: { readonly delayMs: number; readonly action: () => void }[] = [];

  after = (delayMs: number, action: () => void): (() => void) => {
    const entry = { delayMs, action };
    this.waiting.push(entry);
    return () => {
      const at = this.waiting.indexOf(entry);
      if (at >= 0) {
        this.waiting.splice(at, 1);
      }
    };
  };

  /** Lets all waiting ones fall due. */
  fire(): void {
    for (const { action } of this.waiting.splice(0)) {
      action();
    }
  }
}
