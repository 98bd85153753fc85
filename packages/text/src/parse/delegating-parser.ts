import { isBlank } from "./blank.ts";
import { type DeltaDraft, contentDraft, emptyDraft, hasToolCalls, reasoningDraft } from "./delta-draft.ts";
import { parseForcedCalls, ForcedCallStream } from "./forced-calls.ts";
import type {
  OutputDelta,
  OutputParser,
  OutputParserContext,
  ParsedOutput,
  ParsedToolCall,
} from "./output-parser.ts";
import type { ReasoningParser, ReasoningParserFamily } from "./reasoning-parser.ts";
import type { ToolParser, ToolParserFamily } from "./tool-parser.ts";

/** The families a server runs; at least one of the two. */
export interface ParserFamilies {
  readonly tool: ToolParserFamily | undefined;
  readonly reasoning: ReasoningParserFamily | undefined;
}

/**
 * Composes a reasoning and a tool parser as vLLM's `DelegatingParser` does: reasoning first, then calls in what follows it.
 * @throws TextError `parser_unsupported` where the tokenizer lacks a token a family needs
 */
export function createDelegatingParser(families: ParserFamilies, context: OutputParserContext): OutputParser {
  return new DelegatingParser(families, context);
}

class DelegatingParser implements OutputParser {
  private readonly context: OutputParserContext;
  private readonly reasoning: ReasoningParser | undefined;
  private readonly reasoningEngine: boolean;
  private readonly tool: ToolParser | undefined;
  private readonly toolFamily: ToolParserFamily | undefined;
  /** Both parsers, as far as there are any, run on the engine. */
  private readonly engineBased: boolean;
  private readonly forced: ForcedCallStream | undefined;
  private started = false;
  private reasoningOver: boolean;
  private countsWhole: boolean | undefined;
  /** Ids of the sequence, gathered only where the reasoning parser counts over the whole of them. */
  private readonly seenIds: number[] = [];

  constructor(families: ParserFamilies, context: OutputParserContext) {
    const { reasoning, tool } = families;
    this.context = context;
    this.reasoning = reasoning?.create(context);
    this.reasoningEngine = reasoning?.engineBased === true;
    this.tool = tool?.create(context, reasoning !== undefined);
    this.toolFamily = tool;
    this.engineBased = reasoning?.engineBased !== false && tool?.engineBased !== false;
    this.reasoningOver = reasoning === undefined;
    this.forced =
      tool?.forcedAsJson === true ? ForcedCallStream.create(context, this.engineBased) : undefined;
  }

  get promptEndsReasoning(): boolean | undefined {
    return this.reasoning?.isReasoningEnd(this.context.promptTokenIds);
  }

  reasoningTokens(): number | undefined {
    return this.reasoning?.countTokens(this.seenIds);
  }

  push(text: string, tokenIds: readonly number[], finished: boolean): OutputDelta | undefined {
    if (!this.started) this.start();
    const inReasoning = !this.reasoningOver;
    // An engine counts as it goes, but counts over the whole sequence where the prompt kept it from seeing any of it.
    this.countsWhole ??= !this.reasoningEngine || !inReasoning;
    if (this.reasoning !== undefined && this.countsWhole) append(this.seenIds, tokenIds);
    let delta = inReasoning ? this.reason(text, tokenIds) : this.afterReasoning(text, tokenIds);
    if (finished) delta = this.finish(delta);
    return delta === undefined || this.context.includeReasoning ? delta : withoutReasoning(delta);
  }

  parse(text: string, tokenIds: readonly number[]): ParsedOutput {
    append(this.seenIds, tokenIds);
    const { reasoning, content } = this.reasoning?.extract(text) ?? { reasoning: null, content: text };
    const shown = this.context.includeReasoning ? reasoning : null;
    return { reasoning: shown, ...this.parseContent(content) };
  }

  private start(): void {
    this.started = true;
    const { reasoning } = this;
    if (reasoning === undefined) return;
    if (reasoning.isReasoningEnd(this.context.promptTokenIds)) this.reasoningOver = true;
    else reasoning.startFromPrompt(this.context.promptTokenIds);
  }

  /** An output while the reasoning is open; it may end in it. */
  private reason(text: string, tokenIds: readonly number[]): DeltaDraft | undefined {
    const reasoning = this.reasoning as ReasoningParser;
    const delta = reasoning.push(text, tokenIds);
    if (!reasoning.reasoningEnded(tokenIds)) return delta;
    this.reasoningOver = true;
    const contentIds = reasoning.contentTokenIds(tokenIds);
    const flushed = this.reasoningEngine ? reasoning.finish() : undefined;
    const rest = (delta?.content ?? "") + (flushed?.content ?? "");
    if (this.tool === undefined) {
      if (!this.engineBased || rest === "") return delta;
      const shown = delta ?? emptyDraft();
      shown.content = rest;
      return shown;
    }
    const called = this.call(this.tool, { text: rest, tokenIds: contentIds });
    const told = delta?.reasoning;
    if (told === undefined || told === null || told === "") return called;
    if (called === undefined) return reasoningDraft(told);
    if (called.reasoning === undefined || called.reasoning === null || called.reasoning === "") {
      called.reasoning = told;
    }
    return called;
  }

  private afterReasoning(text: string, tokenIds: readonly number[]): DeltaDraft | undefined {
    return this.tool === undefined ? contentDraft(text) : this.call(this.tool, { text, tokenIds });
  }

  /** An output, or what is left of it, behind the reasoning. */
  private call(
    tool: ToolParser,
    piece: { readonly text: string; readonly tokenIds: readonly number[] },
  ): DeltaDraft | undefined {
    if (this.forced !== undefined) return this.forced.push(piece.text);
    if (this.context.toolChoice !== "none") return tool.push(piece.text, piece.tokenIds);
    if (!this.engineBased) return piece.text === "" ? undefined : contentDraft(piece.text);
    const delta = tool.push(piece.text, piece.tokenIds);
    if (delta !== undefined) delta.toolCalls = undefined;
    return delta;
  }

  private finish(delta: DeltaDraft | undefined): DeltaDraft | undefined {
    let last = delta;
    const promoted = this.reasoningOver ? undefined : this.reasoning?.fallbackContent();
    if (promoted !== undefined && promoted !== "") {
      last ??= emptyDraft();
      last.content = (last.content ?? "") + promoted;
    }
    const lastCall = this.tool === undefined ? undefined : last?.toolCalls?.at(-1);
    if (lastCall !== undefined) {
      lastCall.arguments = (lastCall.arguments ?? "") + (this.tool?.unstreamedArguments() ?? "");
    }
    if (this.reasoningEngine && !this.reasoningOver) last = joined(last, this.reasoning?.finish());
    if (this.toolFamily?.engineBased === true) last = joined(last, this.tool?.finish());
    return last;
  }

  private parseContent(content: string | null): Omit<ParsedOutput, "reasoning"> {
    const { tool, toolFamily } = this;
    const { toolChoice } = this.context;
    if (tool === undefined || toolFamily === undefined) return { toolCalls: [], content };
    if (toolChoice === "none") {
      return { toolCalls: [], content: this.engineBased ? tool.extract(content ?? "").content : content };
    }
    if (toolChoice !== "auto" && toolFamily.forcedAsJson) return parseForcedCalls(content, this.context);
    if (!this.context.autoToolChoice) return { toolCalls: [], content };
    const found = tool.extract(content ?? "");
    if (found.toolsCalled) {
      const calls: readonly ParsedToolCall[] = found.toolCalls;
      // Empty text stays as it is; only text of nothing but white space goes.
      const isSpace = found.content !== null && found.content !== "" && isBlank(found.content);
      return { toolCalls: calls, content: isSpace ? null : found.content };
    }
    if (toolChoice !== "auto" && isBlank(content ?? "")) return { toolCalls: [], content: null };
    if (this.engineBased) return { toolCalls: null, content: found.content === "" ? null : found.content };
    return { toolCalls: null, content };
  }
}

function append(list: number[], items: readonly number[]): void {
  for (const item of items) list.push(item);
}

function withoutReasoning(delta: DeltaDraft): DeltaDraft | undefined {
  const silent = delta.content === undefined || delta.content === null || delta.content === "";
  if (silent && !hasToolCalls(delta)) return undefined;
  delta.reasoning = null;
  return delta;
}

function joined(delta: DeltaDraft | undefined, more: DeltaDraft | undefined): DeltaDraft | undefined {
  if (delta === undefined || more === undefined) return delta ?? more;
  if (more.content !== undefined && more.content !== null && more.content !== "") {
    delta.content = (delta.content ?? "") + more.content;
  }
  if (more.reasoning !== undefined && more.reasoning !== null && more.reasoning !== "") {
    delta.reasoning = (delta.reasoning ?? "") + more.reasoning;
  }
  if (more.toolCalls !== undefined && hasToolCalls(more)) {
    delta.toolCalls = [...(delta.toolCalls ?? []), ...more.toolCalls];
  }
  return delta;
}
