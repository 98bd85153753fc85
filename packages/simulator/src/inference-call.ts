import {
  FinishInfo,
  type GenerateComplete,
  GenerateResponse,
  type GenerateStreamChunk,
  InferenceFinishReason,
  InferenceGenerateResponse,
  type OutputLogProbs,
  type PromptInfo,
  type SequenceOutput,
} from "@vllm-router/proto/messages";
import { type GrpcCall, grpcFrame } from "./grpc-call.ts";
import type { GrpcStatusName } from "./grpc-status.ts";

const prefixBytes = 5;

/** How an answer of `vllm.Inference` is told. */
export interface InferenceCallOptions {
  readonly call: GrpcCall;
  readonly isStream: boolean;
  readonly promptInfo: PromptInfo;
  /** Alternatives per output token. */
  readonly candidates: number;
  readonly eosTokenId: number | undefined;
  /** Logprobs of the tokens that the request names, for each output token in turn; undefined where it names none. */
  readonly named:
    | ((tokenId: number) => readonly { readonly id: number; readonly logprob: number }[])
    | undefined;
}

/**
 * The client's side of a VllmEngine call, told in messages of `vllm.Inference`: the prompt's data comes first, alone in a
 * stream; the last tokens and the end of the sequence share a message, where VllmEngine has two.
 */
export class InferenceCall implements GrpcCall {
  onCancel: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly #options: InferenceCallOptions;
  #held: GenerateStreamChunk | undefined;
  #hasPrompt = false;
  #hasFailed = false;
  #outputTokens = 0;
  #isReady = true;

  constructor(options: InferenceCallOptions) {
    this.#options = options;
    this.metadata = options.call.metadata;
    options.call.onCancel = () => this.onCancel?.();
    options.call.onDrain = () => {
      this.#isReady = true;
      this.onDrain?.();
    };
  }

  get bufferedBytes(): number {
    return this.#options.call.bufferedBytes;
  }

  get isOver(): boolean {
    return this.#options.call.isOver;
  }

  write(message: Uint8Array): boolean {
    return this.writeFrame(grpcFrame(message));
  }

  writeFrame(frame: Buffer): boolean {
    const { response } = GenerateResponse.decode(frame.subarray(prefixBytes));
    if (response?.$case === "chunk") this.#hold(response.value);
    else if (response?.$case === "complete") this.#complete(response.value);
    return this.#isReady;
  }

  end(status: GrpcStatusName, message?: string): void {
    this.#release();
    if (this.#hasFailed && status === "OK") this.#options.call.end("INTERNAL", "internal error");
    else this.#options.call.end(status, message);
  }

  sendHeaders(): void {
    this.#options.call.sendHeaders();
  }

  reset(): void {
    this.#options.call.reset();
  }

  /** The end of a sequence follows its last chunk in the same turn, and belongs to it. */
  #hold(chunk: GenerateStreamChunk): void {
    this.#release();
    this.#held = chunk;
    queueMicrotask(() => {
      if (this.#held === chunk) this.#release();
    });
  }

  #release(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    this.#send(this.#output(held.tokenIds, held.outputLogprobs));
  }

  #complete(complete: GenerateComplete): void {
    if (complete.finishReason === "error") {
      // It does not say that a sequence ended with an error: the call does.
      this.#hasFailed = true;
      return;
    }
    const held = this.#held;
    this.#held = undefined;
    const output = this.#output(
      held?.tokenIds ?? complete.outputIds,
      held === undefined ? complete.outputLogprobs : held.outputLogprobs,
    );
    output.finishInfo = this.#finishInfo(complete);
    this.#send(output);
  }

  #output(tokenIds: number[], logprobs: OutputLogProbs | undefined): SequenceOutput {
    this.#outputTokens += tokenIds.length;
    const { named } = this.#options;
    const candidateTokens =
      named === undefined
        ? logprobs?.topLogprobs.map((top) => ({ tokens: this.#candidates(top) }))
        : tokenIds.map((id) => ({ tokens: named(id).map((token) => ({ ...token, rank: 0 })) }));
    return {
      index: 0,
      text: "",
      numTokens: tokenIds.length,
      tokenIds,
      logprobs: logprobs?.tokenLogprobs ?? [],
      ranks: [],
      candidateTokens: candidateTokens ?? [],
      finishInfo: undefined,
    };
  }

  /** The sampled token, then the best; as many as were asked for, and one more where it is not one of them. */
  #candidates(top: { readonly tokenIds: number[]; readonly values: number[] }): {
    id: number;
    logprob: number;
    rank: number;
  }[] {
    const { candidates } = this.#options;
    const all = top.tokenIds.map((id, at) => ({ id, logprob: top.values[at] ?? 0 }));
    const [own, ...others] = all;
    const worst = others[candidates - 1]?.logprob ?? -Infinity;
    const isAmong = own !== undefined && own.logprob >= worst;
    const kept = all.slice(0, isAmong ? candidates : candidates + 1);
    return kept.map((token) => ({
      ...token,
      rank: 1 + all.filter(({ logprob }) => logprob > token.logprob).length,
    }));
  }

  #finishInfo(complete: GenerateComplete): FinishInfo {
    const reasons: Readonly<Record<string, InferenceFinishReason>> = {
      stop: InferenceFinishReason.STOP,
      length: InferenceFinishReason.LENGTH,
    };
    const info = FinishInfo.fromPartial({
      numOutputTokens: this.#outputTokens,
      finishReason: reasons[complete.finishReason] ?? InferenceFinishReason.ABORTED,
    });
    const { matchedStop, kvTransferParamsJson } = complete;
    if (kvTransferParamsJson !== undefined) {
      info.kvTransferParams = JSON.parse(kvTransferParamsJson) as Record<string, unknown>;
    }
    const { eosTokenId } = this.#options;
    if (matchedStop?.$case === "matchedTokenId") {
      info.stopReason = { $case: "stopTokenId", value: matchedStop.value };
    } else if (matchedStop !== undefined) {
      info.stopReason = { $case: "stopString", value: matchedStop.value };
    } else if (complete.finishReason === "stop" && eosTokenId !== undefined) {
      info.stopReason = { $case: "eosTokenId", value: eosTokenId };
    }
    return info;
  }

  #send(outputs: SequenceOutput): void {
    const { promptInfo, isStream } = this.#options;
    const isFirst = !this.#hasPrompt;
    this.#hasPrompt = true;
    if (isFirst && isStream) this.#write({ promptInfo, outputs: undefined });
    this.#write({ promptInfo: isFirst && !isStream ? promptInfo : undefined, outputs });
  }

  #write(message: InferenceGenerateResponse): void {
    const isReady = this.#options.call.write(InferenceGenerateResponse.encode(message).finish());
    if (!isReady) this.#isReady = false;
  }
}
