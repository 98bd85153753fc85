import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { MarkTable } from "./mark-lexer.ts";
import { isToolState, type OutputFormat, type Transition } from "./output-format.ts";
import { DROPPED } from "./token-scanner.ts";

/** A format with what depends on the tokenizer; made once for the two. */
export interface PreparedFormat {
  readonly source: OutputFormat;
  readonly initialState: OutputFormat["initialState"];
  /** Ids of tokens that are marks, special tokens to drop included. */
  readonly tokens: ReadonlyMap<number, string>;
  /** Marks that are tokens, {@link DROPPED} included. */
  readonly tokenMarks: ReadonlySet<string>;
  readonly markTable: MarkTable;
  /** Marks that lead into, through or out of calls. */
  readonly toolMarks: ReadonlySet<string>;
  /** Marks that lead out of calls. */
  readonly toolExitMarks: ReadonlySet<string>;
  /** Marks of reasoning that mean nothing else; empty where one of them does. */
  readonly reasoningMarks: ReadonlySet<string>;
  readonly hasReasoning: boolean;
  /** Ids that end the reasoning; empty where it may end without one. */
  readonly reasoningEndIds: ReadonlySet<number>;
  readonly thinkStartId: number | undefined;
  readonly thinkEndId: number | undefined;
  readonly turnBoundaryIds: ReadonlySet<number>;
}

const prepared = new WeakMap<Tokenizer, WeakMap<OutputFormat, PreparedFormat>>();

/** Prepares a format for a tokenizer, once. */
export function prepareFormat(format: OutputFormat, tokenizer: Tokenizer): PreparedFormat {
  let known = prepared.get(tokenizer);
  if (known === undefined) prepared.set(tokenizer, (known = new WeakMap()));
  let result = known.get(format);
  if (result === undefined) known.set(format, (result = prepare(format, tokenizer)));
  return result;
}

function prepare(format: OutputFormat, tokenizer: Tokenizer): PreparedFormat {
  const tokens = new Map<number, string>();
  for (const mark of format.tokenMarks) {
    const id = tokenizer.tokenId(format.marks[mark] ?? "");
    if (id !== undefined) tokens.set(id, mark);
  }
  const marks = Object.entries(format.marks).map(([name, text]) => [text, name] as const);
  const kept = new Set([...marks.map(([text]) => text), ...(format.keptTokens ?? [])]);
  const dropped = tokenizer.allSpecialTokens.filter((token) => !kept.has(token));
  for (const token of dropped) {
    const id = tokenizer.tokenId(token);
    if (id !== undefined) tokens.set(id, DROPPED);
  }
  const tokenOf = (mark: string): number | undefined =>
    format.tokenMarks.includes(mark) ? tokenizer.tokenId(format.marks[mark] ?? "") : undefined;
  return {
    source: format,
    initialState: format.initialState,
    tokens,
    tokenMarks: new Set(tokens.values()),
    markTable: new MarkTable([...marks, ...dropped.map((token) => [token, DROPPED] as const)]),
    toolMarks: toolMarksOf(format),
    toolExitMarks: new Set(
      [...linesOf(format)]
        .filter(({ state, next }) => state.startsWith("tool-") && !isToolState(next))
        .map(({ mark }) => mark),
    ),
    reasoningMarks: reasoningMarksOf(format),
    hasReasoning:
      "THINK_START" in format.marks || "THINK_END" in format.marks || format.initialState === "reasoning",
    reasoningEndIds: reasoningEndIdsOf(format, tokenOf),
    thinkStartId: tokenOf("THINK_START"),
    thinkEndId: tokenOf("THINK_END"),
    turnBoundaryIds: new Set(
      (format.turnBoundaries ?? []).map((token) => tokenizer.tokenId(token)).filter((id) => id !== undefined),
    ),
  };
}

/** The transitions, each with its state and mark. */
function* linesOf(format: OutputFormat): Generator<Transition & { state: string; mark: string }> {
  for (const [key, transition] of format.transitions) {
    const [state = "", mark = ""] = key.split(" ");
    yield { state, mark, ...transition };
  }
}

function toolMarksOf(format: OutputFormat): ReadonlySet<string> {
  const marks = new Set<string>();
  for (const { state, mark, next } of linesOf(format)) {
    if (isToolState(next) || state.startsWith("tool-")) marks.add(mark);
  }
  return marks;
}

function reasoningMarksOf(format: OutputFormat): ReadonlySet<string> {
  const marks = new Set<string>();
  for (const { state, mark, next } of linesOf(format)) {
    if ((state === "reasoning" || next === "reasoning") && !isToolState(next)) marks.add(mark);
  }
  for (const { state, mark, next, events } of linesOf(format)) {
    const plain =
      !state.startsWith("tool-") &&
      !isToolState(next) &&
      events.every((event) => event === "reasoning-start" || event === "reasoning-end");
    if (marks.has(mark) && !plain) return new Set();
  }
  return marks;
}

function reasoningEndIdsOf(
  format: OutputFormat,
  tokenOf: (mark: string) => number | undefined,
): ReadonlySet<number> {
  const ids = new Set<number>();
  for (const { state, mark, next, events } of linesOf(format)) {
    if (state !== "reasoning") continue;
    const ends = events.includes("reasoning-end");
    if (!ends && next !== "reasoning") return new Set();
    const id = ends ? tokenOf(mark) : undefined;
    if (id !== undefined) ids.add(id);
    else if (ends && next === "content") return new Set();
  }
  return ids;
}
