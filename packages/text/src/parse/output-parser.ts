import type { TemplateValue } from "../template/template-value.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** A function the model may call, as the request declares it. */
export interface DeclaredTool {
  readonly name: string;
  /** JSON schema of the arguments as it stands in the request; undefined where the tool has none. */
  readonly parameters: TemplateValue | undefined;
  /** `strict` of the declaration; undefined where it is not given. */
  readonly strict: boolean | undefined;
}

/** `tool_choice` of a request; a name in `function` forces that tool. A chat request without tools means `none`. */
export type ToolChoice = "none" | "auto" | "required" | { readonly function: string };

/** Random texts, handed in because this package has no randomness of its own. */
export interface RandomTexts {
  /** 16 hexadecimal characters. */
  hexadecimal(): string;
  /** `length` ASCII letters and digits. */
  alphanumeric(length: number): string;
}

/** What parsing one sequence depends on. */
export interface OutputParserContext {
  readonly tokenizer: Tokenizer;
  readonly tools: readonly DeclaredTool[];
  readonly toolChoice: ToolChoice;
  /** Rendered prompt: it may have closed (or opened) the reasoning already. */
  readonly promptTokenIds: ArrayLike<number>;
  /** Template variables of the request merged with the server's, such as `enable_thinking`. */
  readonly templateKwargs: ReadonlyMap<string, TemplateValue>;
  /** `chat_template_kwargs` of the request alone. */
  readonly requestKwargs: ReadonlyMap<string, TemplateValue>;
  /** False drops reasoning from what is parsed. */
  readonly includeReasoning: boolean;
  /** True where `--enable-auto-tool-choice` is on: only then are calls looked for. */
  readonly autoToolChoice: boolean;
  /** How ids of calls look: `kimi_k2` for models of that architecture, which number their calls through the conversation. */
  readonly toolCallIds: "random" | "kimi_k2";
  /** Calls in the conversation so far; `kimi_k2` numbers its ids on from there. */
  readonly historyToolCalls: number;
  readonly random: RandomTexts;
}

/** A piece of a tool call. `undefined` is a key that is absent from the chunk, `null` one that is there with null. */
export interface ToolCallDelta {
  readonly index: number;
  /** With the first piece of a call only; `type: "function"` goes with it. Some parsers put null into later pieces. */
  readonly id: string | null | undefined;
  /** There where the piece says so without an id. */
  readonly type?: "function" | undefined;
  readonly name: string | null | undefined;
  /** The next part of the arguments' JSON text. */
  readonly arguments: string | null | undefined;
}

/**
 * What one engine output says to the client, in the fields of a chat chunk's `delta`. `undefined` is a key that is absent,
 * `null` one that is there with null.
 */
export interface OutputDelta {
  readonly content: string | null | undefined;
  readonly reasoning: string | null | undefined;
  /** Undefined or empty where nothing was called: the key is absent then. */
  readonly toolCalls: readonly ToolCallDelta[] | undefined;
}

/** A whole tool call. */
export interface ParsedToolCall {
  /** Undefined where the API makes the id up. */
  readonly id: string | undefined;
  readonly name: string;
  /** JSON text as the model wrote it, or as the parser typed it by the tool's schema. */
  readonly arguments: string;
}

/** A whole output, taken apart. */
export interface ParsedOutput {
  readonly reasoning: string | null;
  readonly content: string | null;
  /** Null where no call was found, empty where none was looked for (vLLM's `None` and `[]`). */
  readonly toolCalls: readonly ParsedToolCall[] | null;
}

/**
 * Takes the text of one sequence apart into reasoning, content and tool calls, as vLLM's parsers do. One object serves one
 * sequence: `push` for streamed answers, `parse` for collected ones. The two forms differ where vLLM's differ (a broken call
 * is content in the collected form and a call in the streamed one).
 */
export interface OutputParser {
  /** False where reasoning is still open at the end of the prompt; undefined where no reasoning parser runs. */
  readonly promptEndsReasoning: boolean | undefined;
  /**
   * Takes one engine output: the text released by it and its token ids, which may belong to text still held back.
   * @param finished true with the last output of the sequence: what is held back is given out
   * @returns undefined where there is nothing to say; the object is fresh
   */
  push(text: string, tokenIds: readonly number[], finished: boolean): OutputDelta | undefined;
  /** Takes the whole text of a finished sequence apart. */
  parse(text: string, tokenIds: readonly number[]): ParsedOutput;
  /** Tokens of what was pushed or parsed that count as reasoning; undefined where no reasoning parser runs. */
  reasoningTokens(): number | undefined;
}
