import type {
  EngineFinishReason,
  OutputLogprobs,
  PromptLogprobs,
  SequenceFinish,
  TokenOutput,
} from "../engine.ts";
import { EngineError } from "../engine-error.ts";
import { WireReader } from "../wire/wire-reader.ts";
import type { MessageDecoder, MessageKind } from "./message-decoder.ts";
import { decodeOutputLogprobs, decodePromptLogprobs, notParallel } from "./decode-logprobs.ts";

class DecodedOutput implements TokenOutput {
  index = 0;
  tokenIds: Uint32Array = new Uint32Array(64);
  tokenCount = 0;
  logprobs: OutputLogprobs | undefined = undefined;
  promptLogprobs: PromptLogprobs | undefined = undefined;
  promptTokens = 0;
  cachedTokens = 0;
}

class DecodedFinish implements SequenceFinish {
  reason: EngineFinishReason = "stop";
  matchedStop: number | string | undefined = undefined;
  kvTransferParams: string | undefined = undefined;
}

/**
 * Decodes GenerateResponse messages of `vllm.grpc.engine` into one pair of objects that is used again for every message.
 * Written by hand because a message of one token has ten bytes and comes for every token of every stream; field numbers
 * are those of `vllm_engine.proto`, and fields not known here are passed over.
 */
export class ResponseDecoder implements MessageDecoder {
  /** Content of the last message. */
  readonly output: DecodedOutput = new DecodedOutput();
  /** End of the sequence; meaningful after a `complete`. */
  readonly finish: DecodedFinish = new DecodedFinish();
  readonly #reader = new WireReader();

  /** Reads one message from `bytes[start, end)`. Throws an EngineError `protocol` when it is malformed. */
  decode(bytes: Buffer, start: number, end: number): MessageKind {
    const reader = this.#reader;
    reader.reset(bytes, start, end);
    let kind: MessageKind = "none";
    while (reader.position < end) {
      const tag = reader.uint32();
      if (tag === 10) {
        this.#readChunk(reader.delimited());
        kind = "chunk";
      } else if (tag === 18) {
        this.#readComplete(reader.delimited());
        kind = "complete";
      } else reader.skip(tag);
      reader.end = end;
    }
    const { logprobs, tokenCount } = this.output;
    if (logprobs !== undefined && logprobs.tokenLogprobs.length !== tokenCount) throw notParallel();
    return kind;
  }

  #readChunk(end: number): void {
    const reader = this.#reader;
    reader.end = end;
    this.#clear();
    const { output } = this;
    while (reader.position < end) {
      const tag = reader.uint32();
      switch (tag) {
        case 8:
        case 10:
          this.#readTokenIds(tag);
          break;
        case 16:
          output.promptTokens = reader.uint32();
          break;
        case 32:
          output.cachedTokens = reader.uint32();
          break;
        case 42:
          output.logprobs = decodeOutputLogprobs(reader, reader.delimited());
          break;
        case 50:
          output.promptLogprobs = decodePromptLogprobs(reader, reader.delimited());
          break;
        case 56:
          output.index = reader.uint32();
          break;
        default:
          reader.skip(tag);
      }
    }
  }

  #readComplete(end: number): void {
    const reader = this.#reader;
    reader.end = end;
    this.#clear();
    const { output, finish } = this;
    finish.reason = "stop";
    finish.matchedStop = undefined;
    finish.kvTransferParams = undefined;
    while (reader.position < end) {
      const tag = reader.uint32();
      switch (tag) {
        case 8:
        case 10:
          this.#readTokenIds(tag);
          break;
        case 18:
          finish.reason = finishReason(reader.string());
          break;
        case 24:
          output.promptTokens = reader.uint32();
          break;
        case 40:
          output.cachedTokens = reader.uint32();
          break;
        case 50:
          output.logprobs = decodeOutputLogprobs(reader, reader.delimited());
          break;
        case 58:
          output.promptLogprobs = decodePromptLogprobs(reader, reader.delimited());
          break;
        case 64:
          output.index = reader.uint32();
          break;
        case 80:
          finish.matchedStop = reader.uint32();
          break;
        case 90:
          finish.matchedStop = reader.string();
          break;
        case 98:
          finish.kvTransferParams = reader.string();
          break;
        default:
          reader.skip(tag);
      }
    }
  }

  #clear(): void {
    const { output } = this;
    output.index = 0;
    output.tokenCount = 0;
    output.logprobs = undefined;
    output.promptLogprobs = undefined;
    output.promptTokens = 0;
    output.cachedTokens = 0;
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

  #growTokenIds(): void {
    const grown = new Uint32Array(this.output.tokenIds.length * 2);
    grown.set(this.output.tokenIds);
    this.output.tokenIds = grown;
  }
}

function finishReason(text: string): EngineFinishReason {
  switch (text) {
    case "stop":
    case "length":
    case "abort":
    case "error":
    case "repetition":
      return text;
    case "":
      return "stop";
    default:
      throw new EngineError(
        "protocol",
        `the engine ended a sequence for an unknown reason ${JSON.stringify(text)}`,
      );
  }
}
