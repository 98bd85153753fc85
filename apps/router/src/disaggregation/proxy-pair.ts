import type {
  EngineCapabilities,
  GenerateCall,
  ProxyEngine,
  ProxyRequest,
  ProxySink,
  UpgradeSink,
} from "@vllm-router/engine-client";
import { decodeBody, prefillBody } from "./http-legs.ts";
import type { LegPlan } from "./connector.ts";
import type { PrefillAnswer, PrefillLeg } from "./pair-lane.ts";
import { PairRun, type PairRunOptions } from "./pair-run.ts";
import { PrefillAnswerSink } from "./prefill-answer-sink.ts";
import { prefillDeadline } from "./prefill-deadline.ts";
import { ProxyDecodeSink } from "./proxy-decode-sink.ts";

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

/** Two HTTP workers that look like one. The client's headers go to both, and one request id. */
export class ProxyPair implements ProxyEngine {
  readonly capabilities: EngineCapabilities;
  readonly #options: ProxyPairOptions;
  #pair: PairRun<ProxyEngine> | undefined;

  constructor(options: ProxyPairOptions) {
    this.capabilities = options.engine.capabilities;
    this.#options = options;
  }

  /** True when it failed for want of a prefill engine: the decode engine is not to blame. */
  get isDecodeSpared(): boolean {
    return this.#pair?.isDecodeSpared === true;
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
        decode: (requestId, params, instead) =>
          (instead ?? options.engine).forward(
            {
              ...request,
              headers:
                requestId === undefined
                  ? request.headers
                  : withHeader(request.headers, REQUEST_ID, requestId),
              body: decodeBody(body, params),
            },
            new ProxyDecodeSink(pair, sink),
          ),
        fail: (error) => sink.error(error),
      },
    });
    this.#pair = pair;
    pair.start(options.first);
    return pair;
  }

  upgrade(request: ProxyRequest, sink: UpgradeSink): () => void {
    this.#options.first.release("cancelled");
    return this.#options.engine.upgrade(request, sink);
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
  const deadline = prefillDeadline(options, request.deadlineAtMs);
  const headers = withHeader(request.headers, REQUEST_ID, plan.requestId);
  const { rank } = leg.worker;
  const answer = new PrefillAnswerSink((result) =>
    answered(result.kind === "failed" ? { kind: "failed", error: deadline.read(result.error) } : result),
  );
  const call = leg.engine.forward(
    {
      ...request,
      headers: rank === undefined ? without(headers, RANK) : withHeader(headers, RANK, String(rank)),
      body: prefillBody(request.path, body, plan.prefillParams),
      deadlineAtMs: deadline.atMs,
    },
    answer,
  );
  answer.cut = () => call.cancel();
  return () => {
    answer.isOver = true;
    call.cancel();
  };
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
