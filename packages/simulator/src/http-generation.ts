import {
  ApiError,
  type ChoiceFinish,
  type PositionLogprobs,
  type ResolvedSampling,
  type ResponseWriter,
  type SamplingSettings,
} from "@vllm-router/api";
import { GenerateRequest, type SamplingParams } from "@vllm-router/proto/messages";
import {
  createLogprobTexts,
  createSequenceText,
  type LogprobTexts,
  type SequenceText,
} from "@vllm-router/text";
import type { Engine, EngineRequest } from "./engine.ts";
import { planRequest, type RequestPlan } from "./request-plan.ts";
import type { KvConnectorSide, KvTransfer } from "./kv-connector-side.ts";
import type { Sequence } from "./sequence.ts";

/** One prompt of an HTTP request. */
export interface HttpPrompt {
  readonly ids: readonly number[];
  /** Its text, when the answer may echo it. */
  readonly text: string | undefined;
  readonly sampling: ResolvedSampling;
  /** The data-parallel rank that the client wants. */
  readonly rank?: number | undefined;
}

/** Settings of {@link HttpGeneration}. */
export interface HttpGenerationOptions {
  readonly id: string;
  readonly engine: Engine;
  readonly prompts: readonly HttpPrompt[];
  readonly writer: ResponseWriter;
  /** Text to send; `isLast` with the end of the answer. */
  readonly send: (text: string, isLast: boolean) => void;
  /** Asked after every token, `total` so far; the answers but "continue" are faults. */
  readonly afterToken: (total: number) => "continue" | "stall" | "drop";
  readonly drop: () => void;
  /** How the request takes part in transfers of KV blocks; undefined without a connector. */
  readonly kv?: HttpTransfer | undefined;
  /** Blocks it needs did not come: the engine gives the request up. */
  readonly fail: () => void;
}

/** What a KV connector is told of an HTTP request. */
export interface HttpTransfer {
  readonly connector: KvConnectorSide;
  /** JSON text of `kv_transfer_params`. */
  readonly params: string | undefined;
  /** The request's id, but for what stands behind it. */
  readonly requestId: string;
}

interface Choice {
  readonly index: number;
  readonly text: SequenceText;
  readonly logprobTexts: LogprobTexts;
}

/** All prompts of one HTTP request in the engine, and their tokens on the way to a response writer. */
export class HttpGeneration {
  readonly #options: HttpGenerationOptions;
  readonly #requests: EngineRequest[] = [];
  readonly #transfers = new Map<EngineRequest, KvTransfer>();
  readonly #choices = new Map<Sequence, Choice>();
  readonly #ids = [0];
  #open = 0;
  #tokens = 0;
  #cachedTokens = 0;
  #isSilent = false;

  /** @throws GrpcStatusError when the engine refuses a prompt; nothing runs then */
  constructor(options: HttpGenerationOptions) {
    this.#options = options;
    const plans = options.prompts.map((prompt) => planRequest(engineRequest(prompt), options.engine));
    for (const [index, plan] of plans.entries()) this.#prepare(index, plan);
  }

  /** Hands everything to the engine. */
  start(): void {
    const { prompts, writer, engine } = this.#options;
    for (const [index, { ids, text }] of prompts.entries()) {
      writer.prompt(index, { tokenIds: ids, text, logprobs: undefined });
    }
    for (const request of this.#requests) {
      const arrival = this.#transfers.get(request)?.arrival;
      if (arrival === undefined) {
        engine.submit(request);
        continue;
      }
      engine.accept(request);
      arrival((isThere) => {
        if (this.#isSilent) return;
        if (isThere) engine.run(request);
        else this.#fail();
      });
    }
  }

  /** The client went away, or the answer failed: nothing more is sent. */
  cancel(): void {
    this.#isSilent = true;
    for (const request of this.#requests) {
      this.#options.engine.release(request);
      this.#transfers.get(request)?.abandoned?.();
    }
  }

  #fail(): void {
    this.cancel();
    this.#options.fail();
  }

  #prepare(promptIndex: number, plan: RequestPlan): void {
    const { engine, id, prompts, kv } = this.#options;
    const { settings } = prompts[promptIndex]?.sampling ?? {};
    const { tokenizer, eosId } = engine.options.model;
    for (const sequence of plan.sequences) {
      this.#open++;
      this.#choices.set(sequence, {
        index: promptIndex * plan.sequences.length + sequence.index,
        logprobTexts: createLogprobTexts(tokenizer),
        text: createSequenceText({
          tokenizer,
          promptTokenIds: plan.promptIds,
          skipSpecialTokens: settings?.skipSpecialTokens ?? true,
          spacesBetweenSpecialTokens: settings?.spacesBetweenSpecialTokens ?? true,
          stop: settings?.stop ?? [],
          includeStopString: settings?.includeStopStringInOutput ?? false,
          minTokens: settings?.minTokens ?? 0,
          maxTokens: sequence.settings.maxOutputTokens,
          ignoreEos: settings?.ignoreEos ?? false,
          endOfSequenceTokenId: eosId,
          stopTokenIds: sequence.settings.stopTokenIds,
        }),
      });
    }
    const request: EngineRequest = {
      id: `${id}-${promptIndex}`,
      rank: plan.rank,
      sequences: plan.sequences,
      sink: { token: (sequence, tokenId) => this.#token(sequence, tokenId) },
      aborted: () => this.cancel(),
    };
    this.#requests.push(request);
    const transfer = kv?.connector.take(
      GenerateRequest.fromPartial({ requestId: kv.requestId, kvTransferParamsJson: kv.params }),
      { tokens: plan.promptIds.length, rank: plan.rank },
    );
    if (transfer !== undefined) this.#transfers.set(request, transfer);
  }

  #token(sequence: Sequence, tokenId: number): void {
    const choice = this.#choices.get(sequence);
    if (choice === undefined || this.#isSilent) return;
    this.#ids[0] = tokenId;
    const { text } = choice.text.push(this.#ids, 1);
    const output = {
      text,
      tokenIds: this.#ids,
      tokenCount: 1,
      logprobs: logprobsOf(sequence, choice, tokenId),
    };
    const chunk = this.#options.writer.output(choice.index, output, finishOf(sequence));
    if (chunk !== "") this.#options.send(chunk, false);
    if (sequence.finish !== undefined) this.#finished(sequence);
    this.#applyFault();
  }

  #finished(sequence: Sequence): void {
    this.#open--;
    const [transfer] = this.#transfers.values();
    if (sequence.index === 0) {
      this.#cachedTokens += Math.max(0, sequence.scheduled.cachedTokens, transfer?.fetchedTokens ?? 0);
    }
    if (this.#open > 0) return;
    const kvTransferParams = transfer?.handOver(sequence.finish?.reason ?? "stop");
    const { prompts, writer, send, engine } = this.#options;
    for (const request of this.#requests) engine.release(request);
    const promptTokens = prompts.reduce((sum, { ids }) => sum + ids.length, 0);
    send(writer.end({ promptTokens, cachedTokens: this.#cachedTokens, kvTransferParams }), true);
    this.#isSilent = true;
  }

  #applyFault(): void {
    this.#tokens++;
    if (this.#isSilent) return;
    const fault = this.#options.afterToken(this.#tokens);
    if (fault === "stall") this.#isSilent = true;
    else if (fault === "drop") {
      this.cancel();
      this.#options.drop();
    }
  }
}

function finishOf({ finish }: Sequence): ChoiceFinish | undefined {
  return finish === undefined ? undefined : { reason: finish.reason, stopReason: finish.matched ?? null };
}

function logprobsOf(sequence: Sequence, choice: Choice, tokenId: number): PositionLogprobs[] | undefined {
  const { lastLogprobs } = sequence;
  if (lastLogprobs === undefined) return undefined;
  const { logprob, top } = lastLogprobs;
  const others = top.filter(({ id }) => id !== tokenId);
  const [token = "", ...otherTexts] = choice.logprobTexts.next([tokenId, ...others.map(({ id }) => id)]);
  const sampled = { tokenId, token, logprob };
  const alternatives = others.map((other, index) => ({
    tokenId: other.id,
    token: otherTexts[index] ?? "",
    logprob: other.logprob,
  }));
  return [{ ...sampled, top: [sampled, ...alternatives] }];
}

function engineRequest({ ids, sampling, rank }: HttpPrompt): GenerateRequest {
  if (sampling.lateError instanceof ApiError) throw sampling.lateError;
  const { settings } = sampling;
  return GenerateRequest.fromPartial({
    input: { $case: "tokenized", value: { originalText: "", inputIds: [...ids] } },
    dataParallelRank: rank,
    samplingParams: {
      temperature: settings.temperature,
      topP: settings.topP,
      maxTokens: settings.maxTokens,
      minTokens: settings.minTokens,
      stop: [...settings.stop],
      stopTokenIds: [...settings.stopTokenIds],
      skipSpecialTokens: settings.skipSpecialTokens,
      spacesBetweenSpecialTokens: settings.spacesBetweenSpecialTokens,
      includeStopStrInOutput: settings.includeStopStringInOutput,
      ignoreEos: settings.ignoreEos,
      n: settings.n,
      // The protocol carries 32 bits.
      seed: settings.seed === undefined ? undefined : settings.seed | 0,
      logprobs: settings.logprobs,
      logitBias: Object.fromEntries(settings.logitBias ?? []),
      constraint: constraintOf(settings.structuredOutput),
    },
  });
}

function constraintOf(setting: SamplingSettings["structuredOutput"]): SamplingParams["constraint"] {
  switch (setting?.kind) {
    case undefined:
      return undefined;
    case "json-schema":
      return { $case: "jsonSchema", value: setting.schema };
    case "json-object":
      return { $case: "jsonObject", value: true };
    case "regex":
      return { $case: "regex", value: setting.pattern };
    case "choice":
      return { $case: "choice", value: { choices: [...setting.choices] } };
    case "grammar":
      return { $case: "grammar", value: setting.grammar };
    case "structural-tag":
      return { $case: "structuralTag", value: setting.tag };
  }
}
