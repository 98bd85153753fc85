import { plainChunkFrame } from "./chunk-frame.ts";
import {
  GenerateComplete,
  GenerateResponse,
  type InputLogProbs,
  type OutputLogProbs,
} from "@vllm-router/proto/messages";
import type { EngineRequest } from "./engine.ts";
import { type GrpcCall, grpcFrame } from "./grpc-call.ts";
import { appendLogprobs, emptyOutputLogprobs, promptLogprobs } from "./logprobs-message.ts";
import type { KvTransfer } from "./kv-connector-side.ts";
import type { RequestPlan } from "./request-plan.ts";
import type { Sequence } from "./sequence.ts";

/** What one sequence has to say and has not said yet. */
interface PendingOutput {
  ids: number[];
  logprobs: OutputLogProbs | undefined;
  hasSentChunk: boolean;
}

/** What a Generate call needs around it. */
export interface GenerateCallOptions {
  readonly id: string;
  readonly isStream: boolean;
  readonly plan: RequestPlan;
  readonly call: GrpcCall;
  /** How it takes part in a transfer of KV blocks. */
  readonly transfer?: KvTransfer | undefined;
  /** The call is over, in whatever way: the engine forgets the request. */
  readonly ended: (request: EngineRequest) => void;
  /** Asked after every token of the request, `total` so far; the answers but "continue" are faults. */
  readonly afterToken: (total: number) => "continue" | "stall" | "drop";
}

/**
 * Turns the tokens of a request into Generate messages, as vLLM's servicer does: streamed, a chunk per step and
 * sequence, and at a sequence's end a `complete` that repeats the last chunk; else one `complete` per sequence, all at
 * the end. When the client is slow, tokens gather and the next chunk carries several.
 */
export class GenerateCall implements EngineRequest {
  readonly id: string;
  readonly rank: number;
  readonly sequences: readonly Sequence[];
  readonly sink = { token: (sequence: Sequence, id: number): void => this.#token(sequence, id) };
  readonly #options: GenerateCallOptions;
  readonly #pending: PendingOutput[];
  #inputLogprobs: InputLogProbs | undefined;
  #open: number;
  #tokens = 0;
  #isBlocked = false;
  #isStalled = false;

  constructor(options: GenerateCallOptions) {
    const { plan, call } = options;
    this.#options = options;
    this.id = options.id;
    this.rank = plan.rank;
    this.sequences = plan.sequences;
    this.#open = plan.sequences.length;
    this.#pending = plan.sequences.map(() => ({ ids: [], logprobs: undefined, hasSentChunk: false }));
    call.onCancel = () => options.ended(this);
    call.onDrain = () => this.#drained();
  }

  /** The Abort call ended the request: every open sequence ends with what it has. */
  aborted(): void {
    this.#options.transfer?.abandoned?.();
    this.#endAll("abort");
  }

  /** Blocks it needs did not come: the engine gives it up. */
  failed(): void {
    this.#endAll("error");
  }

  #endAll(reason: "abort" | "error"): void {
    const openSequences = this.sequences.filter((sequence) => sequence.finish === undefined);
    for (const sequence of openSequences) {
      sequence.finish = { reason, matched: undefined };
      this.#finished(sequence);
    }
  }

  #token(sequence: Sequence, id: number): void {
    const pending = this.#pendingOf(sequence);
    pending.ids.push(id);
    const requested = this.#options.plan.sampling.logprobs;
    if (requested !== undefined && sequence.lastLogprobs !== undefined) {
      pending.logprobs ??= emptyOutputLogprobs();
      appendLogprobs(pending.logprobs, { id, logprobs: sequence.lastLogprobs }, requested);
    }
    if (sequence.finish !== undefined) this.#finished(sequence);
    else if (this.#options.isStream && !this.#isBlocked) this.#sendChunk(sequence, pending);
    this.#applyFault();
  }

  #applyFault(): void {
    this.#tokens++;
    const { call, afterToken, ended } = this.#options;
    if (call.isOver || this.#isStalled) return;
    const fault = afterToken(this.#tokens);
    if (fault === "stall") this.#isStalled = true;
    else if (fault === "drop") {
      call.reset();
      ended(this);
    }
  }

  #finished(sequence: Sequence): void {
    this.#open--;
    if (this.#isStalled) return;
    if (this.#options.isStream) {
      const pending = this.#pendingOf(sequence);
      const inputLogprobs = pending.hasSentChunk ? undefined : this.#promptLogprobs();
      this.#sendChunk(sequence, pending, false);
      this.#sendComplete(sequence, inputLogprobs);
    } else if (this.#open === 0) {
      for (const each of this.sequences) this.#sendComplete(each, this.#promptLogprobs(), sequence);
    }
    if (this.#open === 0 && !this.#options.call.isOver) {
      this.#options.ended(this);
      this.#options.call.end("OK");
    }
  }

  #sendChunk(sequence: Sequence, pending: PendingOutput, isForgotten = true): void {
    const inputLogprobs = pending.hasSentChunk ? undefined : this.#promptLogprobs();
    const chunk = {
      tokenIds: pending.ids,
      promptTokens: sequence.scheduled.promptTokens,
      completionTokens: pending.ids.length,
      cachedTokens: this.#cachedTokens(sequence),
      outputLogprobs: pending.logprobs,
      inputLogprobs,
      index: sequence.index,
    };
    if (pending.logprobs === undefined && inputLogprobs === undefined)
      this.#sendFrame(plainChunkFrame(chunk));
    else this.#send({ response: { $case: "chunk", value: chunk } });
    pending.hasSentChunk = true;
    if (!isForgotten) return;
    pending.ids = [];
    pending.logprobs = undefined;
  }

  /** `reporter` is the sequence whose end made the message: vLLM takes the cached tokens from it. */
  #sendComplete(sequence: Sequence, inputLogprobs: InputLogProbs | undefined, reporter = sequence): void {
    const pending = this.#pendingOf(sequence);
    const complete = GenerateComplete.fromPartial({});
    complete.outputIds = pending.ids;
    complete.finishReason = sequence.finish?.reason ?? "stop";
    complete.promptTokens = sequence.scheduled.promptTokens;
    complete.completionTokens = pending.ids.length;
    complete.cachedTokens = this.#cachedTokens(reporter);
    complete.kvTransferParamsJson = this.#options.transfer?.handOver(complete.finishReason);
    complete.outputLogprobs = pending.logprobs;
    complete.inputLogprobs = inputLogprobs;
    complete.index = sequence.index;
    const matched = sequence.finish?.matched;
    if (typeof matched === "number") complete.matchedStop = { $case: "matchedTokenId", value: matched };
    else if (matched !== undefined) complete.matchedStop = { $case: "matchedStopStr", value: matched };
    this.#send({ response: { $case: "complete", value: complete } });
  }

  #cachedTokens({ scheduled }: Sequence): number {
    return Math.max(0, scheduled.cachedTokens, this.#options.transfer?.fetchedTokens ?? 0);
  }

  #send(response: GenerateResponse): void {
    this.#sendFrame(grpcFrame(GenerateResponse.encode(response).finish()));
  }

  #sendFrame(frame: Buffer): void {
    if (!this.#isStalled && !this.#options.call.writeFrame(frame)) this.#isBlocked = true;
  }

  #drained(): void {
    this.#isBlocked = false;
    for (const sequence of this.sequences) {
      const pending = this.#pendingOf(sequence);
      if (pending.ids.length > 0 && sequence.finish === undefined) this.#sendChunk(sequence, pending);
    }
  }

  #promptLogprobs(): InputLogProbs | undefined {
    const { sampling, sequences, promptIds } = this.#options.plan;
    const requested = sampling.promptLogprobs;
    const model = sequences[0]?.settings.model;
    if (requested === undefined || model === undefined) return undefined;
    this.#inputLogprobs ??= promptLogprobs(model, promptIds, requested);
    return this.#inputLogprobs;
  }

  #pendingOf(sequence: Sequence): PendingOutput {
    const pending = this.#pending[sequence.index];
    if (pending === undefined) throw new RangeError(`no sequence ${sequence.index}`);
    return pending;
  }
}
