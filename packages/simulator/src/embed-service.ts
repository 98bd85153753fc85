import { EmbedRequest, EmbedResponse } from "@vllm-router/proto/messages";
import type { Clock } from "./clock.ts";
import type { Engine } from "./engine.ts";
import type { Faults } from "./faults.ts";
import type { GrpcCall } from "./grpc-call.ts";
import { GrpcStatusError } from "./grpc-status.ts";
import { refuse } from "./sampling.ts";
import { stepDurationMs } from "./step-timing.ts";
import { mix, unitInterval } from "./token-hash.ts";

/** One line of the log of Embed calls that tests read. */
export interface EmbedRecord {
  readonly id: string;
  readonly tokenIds: readonly number[];
}

/** What Embed works on. */
export interface EmbedServiceContext {
  /** Numbers in an embedding; undefined for a model that generates. */
  readonly embeddingSize: number | undefined;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly engine: () => Engine;
  /** Calls given up by their client. */
  readonly countAborts: (count: number) => void;
}

const keptRecords = 1000;
/** Pause between two looks at an engine that hangs. */
const hangPollMs = 5;

/** `Embed` of `vllm.grpc.engine.VllmEngine`: deterministic vectors, texts with tokens in common lie close together. */
export class EmbedService {
  /** Calls as they arrived, the latest 1000. */
  readonly records: EmbedRecord[] = [];
  /** Calls that run now. */
  running = 0;
  /** Most calls that ran at one time. */
  mostRunning = 0;
  readonly #context: EmbedServiceContext;

  constructor(context: EmbedServiceContext) {
    this.#context = context;
  }

  /** Serves one call. @throws GrpcStatusError */
  handle(bytes: Uint8Array, call: GrpcCall): void {
    const request = EmbedRequest.decode(bytes);
    const { faults, embeddingSize } = this.#context;
    if (request.tokenized === undefined) refuse("EmbedRequest requires tokenized input");
    if (embeddingSize === undefined) refuse("This model does not support pooling");
    const tokenIds = request.tokenized.inputIds;
    this.records.push({ id: request.requestId, tokenIds });
    if (this.records.length > keptRecords) this.records.shift();
    if (faults.errorStatus !== undefined) {
      throw new GrpcStatusError(faults.errorStatus, `simulated ${faults.errorStatus}`);
    }
    if (faults.takeRefusal()) throw new GrpcStatusError("UNAVAILABLE", "simulated refusal");
    this.#check(tokenIds);
    this.#run(tokenIds, embeddingSize, call);
  }

  #check(tokenIds: readonly number[]): void {
    const { model, maxModelLen } = this.#context.engine().options;
    if (tokenIds.length === 0) refuse("The decoder prompt cannot be empty");
    if (tokenIds.length > maxModelLen) {
      refuse(
        `The decoder prompt (length ${tokenIds.length}) is longer than the maximum model length of ${maxModelLen}. ` +
          "Make sure that `max_model_len` is no smaller than the number of text tokens.",
      );
    }
    const highest = tokenIds.reduce((most, id) => Math.max(most, id), 0);
    if (highest > model.maxTokenId) refuse(`Token id ${highest} is out of vocabulary`);
  }

  #run(tokenIds: readonly number[], size: number, call: GrpcCall): void {
    const { clock, faults, engine, countAborts } = this.#context;
    const { timing, seed } = engine().options;
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    const step = { prefillTokens: tokenIds.length, decodeSequences: 0 };
    const durationMs = stepDurationMs(step, timing);
    const finish = (): void => {
      if (faults.isHanging && !call.isOver) {
        timer = clock.after(hangPollMs, finish);
        return;
      }
      this.running -= 1;
      if (call.isOver) return;
      const embedding = simulatedEmbedding(tokenIds, { size, seed });
      const response = { embedding, promptTokens: tokenIds.length, embeddingDim: size };
      call.write(EmbedResponse.encode(response).finish());
      call.end("OK");
    };
    let timer = clock.after(durationMs * faults.slowFactor, finish);
    call.onCancel = () => {
      timer.cancel();
      this.running -= 1;
      countAborts(1);
    };
  }
}

/** A vector of length 1: the sum of one pseudo-random vector a token. */
function simulatedEmbedding(
  tokenIds: readonly number[],
  { size, seed }: { readonly size: number; readonly seed: number },
): number[] {
  const sum = Array<number>(size).fill(0);
  for (const id of tokenIds) {
    for (let index = 0; index < size; index++) {
      sum[index] = (sum[index] as number) + unitInterval(mix(mix(seed, id), index)) - 0.5;
    }
  }
  const length = Math.hypot(...sum) || 1;
  return sum.map((value) => Math.fround(value / length));
}
