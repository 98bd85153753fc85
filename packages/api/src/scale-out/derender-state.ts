import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { writeJson } from "../json/write-json.ts";
import { after } from "../validation/after.ts";
import { list } from "../validation/containers.ts";
import { issueWithContext } from "../validation/issue.ts";
import { optional, record } from "../validation/record.ts";
import { boolean, integer, string } from "../validation/scalars.ts";
import type { Validator } from "../validation/validator.ts";
import { converted } from "./derender-shapes.ts";

/**
 * What the client carries from one chunk to the next: where decoding stands, and where a parser is at work, all ids so
 * far with the sizes of the chunks they came in, from which its state is made again.
 */
export interface DerenderStreamState {
  readonly prevTokens: readonly string[];
  readonly prefixOffset: number;
  readonly readOffset: number;
  readonly roleSent: boolean;
  /** The last sampled tokens: a logprob's text may need them. */
  readonly logprobContextTokenIds: readonly number[];
  /** Characters told so far. */
  readonly logprobTextOffset: number;
  readonly outputTokenIds: readonly number[];
  readonly outputChunkLens: readonly number[];
  readonly toolsStreamed: boolean;
  /** Ids of the calls so far: made again, they would be others. */
  readonly lastToolCallIds: readonly string[];
}

/** The state before the first chunk. */
export const EMPTY_STREAM_STATE: DerenderStreamState = {
  prevTokens: [],
  prefixOffset: 0,
  readOffset: 0,
  roleSent: false,
  logprobContextTokenIds: [],
  logprobTextOffset: 0,
  outputTokenIds: [],
  outputChunkLens: [],
  toolsStreamed: false,
  lastToolCallIds: [],
};

const MAX_WINDOW_TOKENS = 1024;
const natural = integer({ atLeast: 0 });
const numbers = list(integer());

/** A whole number above zero. */
const positive: Validator<number> = {
  label: "constrained-int",
  validate(input, state) {
    const value = integer().validate(input, state);
    if (typeof value === "object" || value > 0) return value as number;
    return issueWithContext({
      type: "greater_than",
      message: "Input should be greater than 0",
      input,
      context: [["gt", 0]],
    });
  },
};

const tokens = after(list(string()), (pieces) =>
  pieces.length > MAX_WINDOW_TOKENS
    ? `prev_tokens length (${pieces.length}) exceeds maximum (${MAX_WINDOW_TOKENS})`
    : undefined,
);

const shape = record({
  name: "DerenderStreamState",
  kind: "closed-model",
  fields: {
    prev_tokens: optional(tokens, []),
    prefix_offset: optional(natural, 0),
    read_offset: optional(natural, 0),
    role_sent: optional(boolean, false),
    logprob_context_token_ids: optional(list(integer(), { maxLength: 4 }), []),
    logprob_text_offset: optional(natural, 0),
    output_token_ids: optional(numbers, []),
    output_chunk_lens: optional(list(positive), []),
    tools_streamed: optional(boolean, false),
    last_tool_call_ids: optional(list(string()), []),
  },
});

/** The state as a client sends it back. */
export const streamStateShape: Validator<DerenderStreamState> = converted(
  after(shape, (state) => {
    const lengths = numbersOf(state.get("output_chunk_lens"));
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const ids = numbersOf(state.get("output_token_ids")).length;
    return total === ids
      ? undefined
      : `output_chunk_lens must sum to len(output_token_ids) (got sum=${total}, len(output_token_ids)=${ids})`;
  }),
  (state: JsonObject): DerenderStreamState => ({
    prevTokens: state.get("prev_tokens") as readonly string[],
    prefixOffset: Number(state.get("prefix_offset")),
    readOffset: Number(state.get("read_offset")),
    roleSent: state.get("role_sent") === true,
    logprobContextTokenIds: numbersOf(state.get("logprob_context_token_ids")),
    logprobTextOffset: Number(state.get("logprob_text_offset")),
    outputTokenIds: numbersOf(state.get("output_token_ids")),
    outputChunkLens: numbersOf(state.get("output_chunk_lens")),
    toolsStreamed: state.get("tools_streamed") === true,
    lastToolCallIds: state.get("last_tool_call_ids") as readonly string[],
  }),
);

/** The state as JSON. */
export function streamStateText(state: DerenderStreamState): string {
  const members: readonly (readonly [string, JsonValue])[] = [
    ["prev_tokens", state.prevTokens],
    ["prefix_offset", state.prefixOffset],
    ["read_offset", state.readOffset],
    ["role_sent", state.roleSent],
    ["logprob_context_token_ids", state.logprobContextTokenIds],
    ["logprob_text_offset", state.logprobTextOffset],
    ["output_token_ids", state.outputTokenIds],
    ["output_chunk_lens", state.outputChunkLens],
    ["tools_streamed", state.toolsStreamed],
    ["last_tool_call_ids", state.lastToolCallIds],
  ];
  return writeJson(new Map(members));
}

function numbersOf(value: JsonValue | undefined): readonly number[] {
  return Array.isArray(value) ? value.map(Number) : [];
}
