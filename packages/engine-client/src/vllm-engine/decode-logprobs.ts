import type { OutputLogprobs, PromptLogprobs } from "../engine.ts";
import { EngineError } from "../engine-error.ts";
import type { WireReader } from "../wire/wire-reader.ts";

const NONE: readonly number[] = [];

/**
 * Reads OutputLogProbs up to `end`. The engine sends no lists of alternatives when none were asked for; then every token
 * gets an empty list.
 */
export function decodeOutputLogprobs(reader: WireReader, end: number): OutputLogprobs {
  const tokenLogprobs: number[] = [];
  const topTokenIds: (readonly number[])[] = [];
  const topLogprobs: (readonly number[])[] = [];
  const outer = reader.end;
  reader.end = end;
  while (reader.position < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) readFloats(reader, tag, tokenLogprobs);
    else if (tag === 26) readTop(reader, topTokenIds, topLogprobs);
    // Field 2 repeats the token ids of the message around it.
    else reader.skip(tag);
  }
  reader.end = outer;
  padTop(tokenLogprobs.length, topTokenIds, topLogprobs);
  return { tokenLogprobs, topTokenIds, topLogprobs };
}

/** Reads InputLogProbs up to `end`. */
export function decodePromptLogprobs(reader: WireReader, end: number): PromptLogprobs {
  const tokenIds: number[] = [];
  const tokenLogprobs: (number | undefined)[] = [];
  const topTokenIds: (readonly number[])[] = [];
  const topLogprobs: (readonly number[])[] = [];
  const outer = reader.end;
  reader.end = end;
  while (reader.position < end) {
    const tag = reader.uint32();
    if (tag === 10) tokenLogprobs.push(readOptionalFloat(reader));
    else if (tag >>> 3 === 2) readNumbers(reader, tag, tokenIds);
    else if (tag === 26) readTop(reader, topTokenIds, topLogprobs);
    else reader.skip(tag);
  }
  reader.end = outer;
  if (tokenIds.length !== tokenLogprobs.length) throw notParallel();
  padTop(tokenIds.length, topTokenIds, topLogprobs);
  return { tokenIds, tokenLogprobs, topTokenIds, topLogprobs };
}

/** The error for logprobs that do not belong one to one to their tokens. */
export function notParallel(): EngineError {
  return new EngineError("protocol", "the engine sent logprobs that do not match their tokens");
}

function readTop(
  reader: WireReader,
  topTokenIds: (readonly number[])[],
  topLogprobs: (readonly number[])[],
): void {
  const end = reader.delimited();
  const outer = reader.end;
  reader.end = end;
  const values: number[] = [];
  const ids: number[] = [];
  while (reader.position < end) {
    const tag = reader.uint32();
    if (tag >>> 3 === 1) readFloats(reader, tag, values);
    else if (tag >>> 3 === 2) readNumbers(reader, tag, ids);
    else reader.skip(tag);
  }
  reader.end = outer;
  if (values.length !== ids.length) throw notParallel();
  topTokenIds.push(ids);
  topLogprobs.push(values);
}

function readOptionalFloat(reader: WireReader): number | undefined {
  const end = reader.delimited();
  const outer = reader.end;
  reader.end = end;
  let value: number | undefined;
  while (reader.position < end) {
    const tag = reader.uint32();
    if (tag === 13) value = reader.float();
    else reader.skip(tag);
  }
  reader.end = outer;
  return value;
}

function readFloats(reader: WireReader, tag: number, into: number[]): void {
  if ((tag & 7) === 5) into.push(reader.float());
  else if ((tag & 7) === 2) {
    const end = reader.delimited();
    while (reader.position < end) into.push(reader.float());
  } else reader.skip(tag);
}

function readNumbers(reader: WireReader, tag: number, into: number[]): void {
  if ((tag & 7) === 0) into.push(reader.uint32());
  else if ((tag & 7) === 2) {
    const end = reader.delimited();
    while (reader.position < end) into.push(reader.uint32());
  } else reader.skip(tag);
}

function padTop(
  length: number,
  topTokenIds: (readonly number[])[],
  topLogprobs: (readonly number[])[],
): void {
  if (topTokenIds.length > length) throw notParallel();
  if (topTokenIds.length > 0 && topTokenIds.length < length) throw notParallel();
  while (topTokenIds.length < length) {
    topTokenIds.push(NONE);
    topLogprobs.push(NONE);
  }
}
