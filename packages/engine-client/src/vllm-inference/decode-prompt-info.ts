import type { PromptLogprobs } from "../engine.ts";
import { EngineError } from "../engine-error.ts";
import type { WireReader } from "../wire/wire-reader.ts";
import { CandidateReader } from "./candidate-reader.ts";

/** What the first message of a call says of its prompt. */
export interface DecodedPromptInfo {
  readonly promptTokens: number;
  /** Undefined when none were asked for. */
  readonly logprobs: PromptLogprobs | undefined;
}

/** Reads PromptInfo up to `end`. The first token has no logprob; the protocol gives it zeros. */
export function decodePromptInfo(reader: WireReader, end: number): DecodedPromptInfo {
  let promptTokens = 0;
  const tokenIds: number[] = [];
  const logprobs: number[] = [];
  const ranks: number[] = [];
  const candidates = new CandidateReader();
  while (reader.position < end) {
    reader.end = end;
    const tag = reader.uint32();
    switch (tag >>> 3) {
      case 1:
        promptTokens = reader.uint32();
        break;
      case 2:
        readNumbers(reader, tag, tokenIds);
        break;
      case 3:
        readFloats(reader, tag, logprobs);
        break;
      case 4:
        readNumbers(reader, tag, ranks);
        break;
      case 5:
        candidates.read(reader, reader.delimited());
        break;
      default:
        reader.skip(tag);
    }
  }
  if (logprobs.length === 0) return { promptTokens, logprobs: undefined };
  if (logprobs.length !== tokenIds.length || ranks.length !== tokenIds.length) {
    throw new EngineError("protocol", "the engine sent logprobs that do not match their tokens");
  }
  const tokenLogprobs = logprobs.map((logprob, at) => (at === 0 ? undefined : logprob));
  const { topTokenIds, topLogprobs } = candidates.besides(tokenIds, logprobs);
  return { promptTokens, logprobs: { tokenIds, tokenLogprobs, topTokenIds, topLogprobs, ranks } };
}

function readNumbers(reader: WireReader, tag: number, into: number[]): void {
  const end = (tag & 7) === 2 ? reader.delimited() : reader.position + 1;
  while (reader.position < end) into.push(reader.uint32());
}

function readFloats(reader: WireReader, tag: number, into: number[]): void {
  const end = (tag & 7) === 2 ? reader.delimited() : reader.position + 4;
  while (reader.position < end) into.push(reader.float());
}
