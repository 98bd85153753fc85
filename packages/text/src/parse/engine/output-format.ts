import type { OpenValue } from "./open-value.ts";

/** Where in a model's output the engine is. */
export type FormatState =
  | "content"
  | "reasoning"
  /** Behind the mark that opens calls, before the first name. */
  | "tool-preamble"
  | "tool-name"
  | "tool-arguments"
  /** Between two calls of one block. */
  | "tool-between";

/** What the engine says of the text it reads. */
export type FormatEventKind =
  | "text"
  | "reasoning-start"
  | "reasoning"
  | "reasoning-end"
  | "call-start"
  | "call-name"
  | "call-arguments"
  | "call-end";

/** One thing the engine says. */
export interface FormatEvent {
  readonly kind: FormatEventKind;
  readonly value: string;
  /** Number of the call, from 0; -1 before the first. */
  readonly call: number;
  /** Tokens that the value stands for. */
  readonly tokenCount: number;
}

/** What a mark does in a state. */
export interface Transition {
  readonly next: FormatState;
  /** Said in this order; `call-arguments` carries the mark itself. */
  readonly events: readonly FormatEventKind[];
}

/**
 * How a family of models writes reasoning and calls: marks, and what each of them means where. The engine does the rest:
 * marks split over pieces, marks that are tokens, types of arguments.
 */
export interface OutputFormat {
  /** Name of a mark to its text. */
  readonly marks: Readonly<Record<string, string>>;
  /** Marks that count only as a token where the tokenizer has one with that text and token ids are known. */
  readonly tokenMarks: readonly string[];
  /** By state and mark, `state mark`. What is not listed is plain text. */
  readonly transitions: ReadonlyMap<string, Transition>;
  readonly initialState: "content" | "reasoning";
  /** Whether a prompt without marks leaves the reasoning open; by default where it is the initial state. */
  readonly waitsForReasoning?: boolean;
  /**
   * JSON of a call's arguments from their raw text, complete or (`partial`) as far as it goes. Undefined where it cannot be
   * made. Without this the raw text is the JSON.
   */
  readonly toArguments?: (raw: string, partial: boolean) => string | undefined;
  /** The argument that is still open at the end of raw arguments, as `toArguments` reads it. */
  readonly openValue?: (raw: string) => OpenValue | undefined;
  /** One line break at the end of an argument is no part of it. */
  readonly trimsBreakBehindValue?: boolean;
  /** The raw arguments are a JSON value: closing brackets at its top are held back until more follows. */
  readonly jsonArguments: boolean;
  /** The block of calls is one JSON list of `{"name": …, "arguments": …}`: one mark, many calls, no closing mark. */
  readonly listBody?: boolean;
  /** Characters without which a piece of arguments says nothing new. */
  readonly structuralCharacters?: string;
  /** Special tokens that stay in the text although they are no marks. */
  readonly keptTokens?: readonly string[];
  /** Tokens between turns of a prompt: only marks behind the last one count. */
  readonly turnBoundaries?: readonly string[];
  /** Drop white space at the end of the reasoning (default true). */
  readonly trimsReasoning?: boolean;
  /** Strip content beside calls, in collected answers (default true). */
  readonly trimsContentWithCalls?: boolean;
  /** Calls of tools the request does not declare are none. */
  readonly checksNames?: boolean;
}

/** Builds the table of transitions from lines `[state, mark, next, events]`. */
export function transitionTable(
  lines: readonly (readonly [FormatState, string, FormatState, ...FormatEventKind[]])[],
): ReadonlyMap<string, Transition> {
  return new Map(lines.map(([state, mark, next, ...events]) => [`${state} ${mark}`, { next, events }]));
}

/** True in the states of a call. */
export function isToolState(state: FormatState): boolean {
  return state.startsWith("tool-");
}
