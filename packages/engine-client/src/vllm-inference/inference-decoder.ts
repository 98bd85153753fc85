import { FinishInfo, InferenceFinishReason } from "@vllm-router/proto/messages";
import type {
  EngineFinishReason,
  OutputLogprobs,
  PromptLogprobs,
  SequenceFinish,
  TokenOutput,
} from "../engine.ts";
import { EngineError } from "../engine-error.ts";
import type { MessageDecoder, MessageKind } from "../vllm-engine/message-decoder.ts";
import { WireReader } from "../wire/wire-reader.ts";
import { CandidateReader } from "./candidate-reader.ts";
import { decodePromptInfo } from "./decode-prompt-info.ts";

class DecodedOutput implements TokenOutput {
  readonly index = 0;
  tokenIds: Uint32Array = new Uint32Array(16);
  tokenCount = 0;
  logprobs: OutputLogprobs | undefined = undefined;
  promptLogprobs: PromptLogprobs | undefined = undefined;
  promptTokens = 0;
  readonly cachedTokens = 0;
}

class DecodedFinish implements SequenceFinish {
  reason: EngineFinishReason = "stop";
  matchedStop: number | string | undefined = undefined;
  kvTransferParams: string | undefined = undefined;
}

/**
 * Decodes the GenerateResponse messages of one call of `vllm.Inference` into one pair of objects that is used again for
 * every message. One decoder per call: what the first message says of the prompt belongs to the first output.
 */
export class InferenceDecoder implements MessageDecoder {
  readonly output: DecodedOutput = new DecodedOutput();
  readonly finish: DecodedFinish = new DecodedFinish();
  readonly #reader = new WireReader();
  readonly #logprobs: number[] = [];
  readonly #candidates = new CandidateReader();
  #hasFinish = false;
  #prompt: PromptLogprobs | undefined;

  /** Reads one message from `bytes[start, end)`. Throws an EngineError `protocol` when it is malformed. */
  decode(bytes: Buffer, start: number, end: number): MessageKind {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    let kind: MessageKind = "none";
    this.#hasFinish = false;
    while (reader.position < end) {
      const tag = reader.uint32();
      if (tag === 10) {
        this.#readPrompt(reader.delimited());
      } else if (tag === 18) {
        this.#readSequence(reader.delimited());
        kind = "chunk";
      } else reader.skip(tag);
      reader.end = end;
    }
    if (kind === "none") return kind;
    this.output.promptLogprobs = this.#prompt;
    this.#prompt = undefined;
    return this.#hasFinish ? "last" : "chunk";
  }

  #readPrompt(end: number): void {
    const { promptTokens, logprobs } = decodePromptInfo(this.#reader, end);
    this.output.promptTokens = promptTokens;
    this.#prompt = logprobs;
  }

  #readSequence(end: number): void {
    const reader = this.#reader;
    const { output } = this;
    reader.end = end;
    output.tokenCount = 0;
    output.logprobs = undefined;
    this.#logprobs.length = 0;
    this.#candidates.clear();
    while (reader.position < end) {
      const tag = reader.uint32();
      switch (tag) {
        case 8:
          if (reader.uint32() !== 0)
            throw new EngineError("protocol", "the engine sent a sequence that was not asked for");
          break;
        case 32:
        case 34:
          this.#readTokenIds(tag);
          break;
        case 42:
        case 45:
          this.#readLogprobs(tag);
          break;
        case 58:
          this.#candidates.read(reader, reader.delimited());
          reader.end = end;
          break;
        case 66:
          this.#readFinish(reader.bytes());
          break;
        default:
          reader.skip(tag);
      }
    }
    if (this.#logprobs.length > 0) this.#takeLogprobs();
  }

  #takeLogprobs(): void {
    const { output } = this;
    if (this.#logprobs.length !== output.tokenCount) {
      throw new EngineError("protocol", "the engine sent logprobs that do not match their tokens");
    }
    const { topTokenIds, topLogprobs } = this.#candidates.besides(output.tokenIds, this.#logprobs);
    output.logprobs = { tokenLogprobs: [...this.#logprobs], topTokenIds, topLogprobs };
  }

  #readTokenIds(tag: number): void {
    const reader = this.#reader;
    const { output } = this;
    const end = (tag & 7) === 2 ? reader.delimited() : reader.position + 1;
    while (reader.position < end) {
      if (output.tokenCount === output.tokenIds.length) this.#growTokenIds();
      output.tokenIds[output.tokenCount++] = reader.uint32();
    }
  }

  #readLogprobs(tag: number): void {
    const reader = this.#reader;
    const end = (tag & 7) === 2 ? reader.delimited() : reader.position + 4;
    while (reader.position < end) this.#logprobs.push(reader.float());
  }

  #growTokenIds(): void {
    const grown = new Uint32Array(this.output.tokenIds.length * 2);
    grown.set(this.output.tokenIds);
    this.output.tokenIds = grown;
  }

  /** Once per sequence, so a generated decoder will do. */
  #readFinish(bytes: Uint8Array): void {
    let info: FinishInfo;
    try {
      info = FinishInfo.decode(bytes);
    } catch (cause) {
      throw new EngineError("protocol", "the engine sent a malformed message", { cause });
    }
    const { finish } = this;
    finish.reason = finishReason(info.finishReason);
    finish.matchedStop =
      info.stopReason === undefined || info.stopReason.$case === "eosTokenId"
        ? undefined
        : info.stopReason.value;
    finish.kvTransferParams =
      info.kvTransferParams === undefined ? undefined : JSON.stringify(info.kvTransferParams);
    this.#hasFinish = true;
  }
}

/**
 * ABORTED stands for aborts, errors and detected repetition alike. The router aborts nothing it still listens to and
 * detects repetition itself, so what is left is taken for an error: a client must not be told that a broken answer is
 * complete.
 */
function finishReason(reason: InferenceFinishReason): EngineFinishReason {
  switch (reason) {
    case InferenceFinishReason.STOP:
      return "stop";
    case InferenceFinishReason.LENGTH:
      return "length";
    case InferenceFinishReason.ABORTED:
      return "error";
    default:
      throw new EngineError("protocol", `the engine ended a sequence for an unknown reason ${reason}`);
  }
}
