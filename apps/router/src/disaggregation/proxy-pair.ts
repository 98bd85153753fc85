import { isJsonObject, parseJsonBytes, writeJson } from "@vllm-router/api";
import {
  EngineError,
  type EngineCapabilities,
  type GenerateCall,
  type ProxyEngine,
  type ProxyHead,
  type ProxyRequest,
  type ProxySink,
  type UpgradeSink,
} from "@vllm-router/engine-client";
import { decodeBody, prefillBody, withPromptTokens } from "./http-legs.ts";
import type { LegPlan } from "./connector.ts";
import { PairRun, type PairRunOptions, type PrefillAnswer, type PrefillLeg } from "./pair-run.ts";

/** What a pair of HTTP workers is made of. */
export interface ProxyPairOptions extends Omit<PairRunOptions<ProxyEngine>, "lane" | "requestId"> {
  readonly engine: ProxyEngine;
  readonly first: PrefillLeg<ProxyEngine>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Longest time of a prefill leg, milliseconds. */
  readonly prefillTimeoutMs: number;
}

const REQUEST_ID = "x-request-id";
const RANK = "x-data-parallel-rank";
/** A prefill answer holds one token, and the ids of the prompt's. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** Two HTTP workers that look like one. The client's headers go to both, and one request id. */
export class ProxyPair implements ProxyEngine {
  readonly capabilities: EngineCapabilities;
  readonly #options: ProxyPairOptions;

  constructor(options: ProxyPairOptions) {
    this.capabilities = options.engine.capabilities;
    this.#options = options;
  }

  forward(request: ProxyRequest, sink: ProxySink): GenerateCall {
    const options = this.#options;
    const { body } = request;
    if (!(body instanceof Uint8Array)) {
      options.first.release("cancelled");
      return options.engine.forward(request, sink);
    }
    const pair: PairRun<ProxyEngine> = new PairRun<ProxyEngine>({
      ...options,
      requestId: headerOf(request.headers, REQUEST_ID) ?? options.uniqueId(),
      lane: {
        prefill: (leg, plan, answered) => prefill({ request, body, leg, plan, options }, answered),
        decode: (requestId, params) =>
          options.engine.forward(
            {
              ...request,
              headers:
                requestId === undefined
                  ? request.headers
                  : withHeader(request.headers, REQUEST_ID, requestId),
              body: decodeBody(body, params),
            },
            new DecodeSink(pair, sink),
          ),
        fail: (error) => sink.error(error),
      },
    });
    pair.start(options.first);
    return pair;
  }

  upgrade(request: ProxyRequest, sink: UpgradeSink): () => void {
    this.#options.first.release("cancelled");
    return this.#options.engine.upgrade(request, sink);
  }
}

/** The decode leg's answer on its way to the client, which hears nothing any more once it has cancelled. */
class DecodeSink implements ProxySink {
  readonly #pair: PairRun<ProxyEngine>;
  readonly #sink: ProxySink;

  constructor(pair: PairRun<ProxyEngine>, sink: ProxySink) {
    this.#pair = pair;
    this.#sink = sink;
  }

  head(head: ProxyHead): void {
    // vLLM sends the head of a stream before it has looked at the request; an error is an end.
    if (head.status >= 400) {
      this.#pair.decodeHeard();
    }
    if (!this.#pair.isOver) {
      this.#sink.head(head);
    }
  }

  data(bytes: Uint8Array): void {
    this.#pair.decodeHeard();
    if (!this.#pair.isOver) {
      this.#sink.data(bytes);
    }
  }

  flush(): void {
    if (!this.#pair.isOver) {
      this.#sink.flush();
    }
  }

  end(): void {
    const { isOver } = this.#pair;
    this.#pair.decodeEnded();
    if (!isOver) {
      this.#sink.end();
    }
  }

  error(error: EngineError): void {
    const { isOver } = this.#pair;
    this.#pair.decodeEnded();
    if (!isOver) {
      this.#sink.error(error);
    }
  }
}

function prefill(
  context: {
    readonly request: ProxyRequest;
    readonly body: Uint8Array;
    readonly leg: PrefillLeg<ProxyEngine>;
    readonly plan: LegPlan;
    readonly options: ProxyPairOptions;
  },
  answered: (answer: PrefillAnswer) => void,
): () => void {
  const { request, body, leg, plan, options } = context;
  const latestAtMs = options.now() + options.prefillTimeoutMs;
  const isCutShort = request.deadlineAtMs !== undefined && request.deadlineAtMs <= latestAtMs;
  const headers = withHeader(request.headers, REQUEST_ID, plan.requestId);
  const { rank } = leg.worker;
  const answer = new PrefillAnswerSink((result) => {
    const isSlow = result.kind === "failed" && result.error.code === "deadline_exceeded" && !isCutShort;
    answered(
      isSlow
        ? { kind: "failed", error: new EngineError("unavailable", "the prefill engine took too long") }
        : result,
    );
  });
  const call = leg.engine.forward(
    {
      ...request,
      headers: rank === undefined ? without(headers, RANK) : withHeader(headers, RANK, String(rank)),
      body: prefillBody(request.path, body, plan.prefillParams),
      deadlineAtMs: isCutShort ? request.deadlineAtMs : latestAtMs,
    },
    answer,
  );
  answer.cut = () => call.cancel();
  return () => {
    answer.isOver = true;
    call.cancel();
  };
}

/** Gathers and reads the answer to a prefill leg. */
class PrefillAnswerSink implements ProxySink {
  readonly #answered: (answer: PrefillAnswer) => void;
  readonly #parts: Uint8Array[] = [];
  #size = 0;
  #status = 0;
  isOver = false;
  cut: (() => void) | undefined;

  constructor(answered: (answer: PrefillAnswer) => void) {
    this.#answered = answered;
  }

  head({ status }: ProxyHead): void {
    this.#status = status;
  }

  data(bytes: Uint8Array): void {
    this.#size += bytes.length;
    if (this.#size > MAX_ANSWER_BYTES) {
      this.cut?.();
      this.#end({ kind: "failed", error: new EngineError("protocol", "the prefill answer is too long") });
      return;
    }
    this.#parts.push(Uint8Array.from(bytes));
  }

  flush(): void {
    // Everything is read at the end.
  }

  end(): void {
    this.#end(this.#read());
  }

  error(error: EngineError): void {
    this.#end({ kind: "failed", error });
  }

  #end(answer: PrefillAnswer): void {
    if (!this.isOver) {
      this.isOver = true;
      this.#answered(answer);
    }
  }

  #read(): PrefillAnswer {
    const status = this.#status;
    if (status !== 200) {
      // What the request itself is to blame for, the decode engine says in full to the client.
      const isRequest = status >= 400 && status < 500 && status !== 408 && status !== 429;
      const code = isRequest ? "protocol" : "unavailable";
      return { kind: "failed", error: new EngineError(code, `the prefill engine answered ${status}`) };
    }
    try {
      const answer = parseJsonBytes(concatenated(this.#parts, this.#size));
      if (!isJsonObject(answer)) {
        throw new TypeError("no object");
      }
      const told = answer.get("kv_transfer_params");
      const params = isJsonObject(told) ? writeJson(told) : undefined;
      return { kind: "answered", params: withPromptTokens(params, answer), cachedTokens: undefined };
    } catch (cause) {
      return {
        kind: "failed",
        error: new EngineError("protocol", "the prefill engine's answer is no JSON object", { cause }),
      };
    }
  }
}

function concatenated(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function headerOf(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  return at < 0 ? undefined : headers[at + 1];
}

function without(headers: readonly string[], name: string): readonly string[] {
  return headers.filter((_, at) => headers[at - (at % 2)]?.toLowerCase() !== name);
}

function withHeader(headers: readonly string[], name: string, value: string): readonly string[] {
  return [...without(headers, name), name, value];
}
