import type { DeltaDraft } from "../delta-draft.ts";
import type { OutputParserContext } from "../output-parser.ts";
import type { ExtractedReasoning, ReasoningParser, ReasoningParserFamily } from "../reasoning-parser.ts";
import type { ExtractedToolCalls, ToolParser, ToolParserFamily } from "../tool-parser.ts";
import type { EngineParser, EnginePass } from "./engine-parser.ts";

/** Makes the parser of a family for one sequence and one pass over it. */
export type EngineParserMaker = (context: OutputParserContext, pass: EnginePass) => EngineParser;

/** The reasoning parser of a family that runs on the engine. */
export function engineReasoning(make: EngineParserMaker): ReasoningParserFamily {
  return {
    engineBased: true,
    keepsSpecialTokens: true,
    create: (context) => new EngineReasoning(make, context),
  };
}

/** The tool parser of a family that runs on the engine. */
export function engineTools(
  make: EngineParserMaker,
  options: Partial<
    Pick<ToolParserFamily, "structuralTag" | "forcedAsJson" | "specialTokens" | "defaultStrictLevel">
  > = {},
): ToolParserFamily {
  return {
    engineBased: true,
    structuralTag: options.structuralTag,
    forcedAsJson: options.forcedAsJson ?? options.structuralTag === undefined,
    specialTokens: options.specialTokens ?? "always",
    defaultStrictLevel: options.defaultStrictLevel,
    create: (context, withReasoning) =>
      new EngineTools(make(context, { skipTools: false, skipReasoning: !withReasoning })),
  };
}

const REASONING_PASS: EnginePass = { skipTools: true, skipReasoning: false };

class EngineReasoning implements ReasoningParser {
  private readonly make: EngineParserMaker;
  private readonly context: OutputParserContext;
  private readonly parser: EngineParser;
  private streams = false;

  constructor(make: EngineParserMaker, context: OutputParserContext) {
    this.make = make;
    this.context = context;
    this.parser = make(context, REASONING_PASS);
  }

  isReasoningEnd(tokenIds: ArrayLike<number>): boolean {
    return this.parser.isReasoningEnd(tokenIds);
  }

  startFromPrompt(): void {
    // The format's initial state is that of an open prompt.
  }

  push(text: string, tokenIds: readonly number[]): DeltaDraft | undefined {
    this.streams = true;
    return this.parser.stream(text, tokenIds);
  }

  reasoningEnded(): boolean {
    return this.parser.confirmsReasoningEnd;
  }

  contentTokenIds(tokenIds: readonly number[]): readonly number[] {
    return this.parser.contentTokenIds(tokenIds);
  }

  extract(text: string): ExtractedReasoning {
    this.streams = false;
    return this.parser.extractReasoning(text);
  }

  countTokens(tokenIds: readonly number[]): number {
    if (this.streams) return this.parser.reasoningTokens;
    if (tokenIds.length === 0) return 0;
    // What was parsed whole was parsed without its ids, so the ids are read once more.
    const counter = this.make(this.context, { skipTools: false, skipReasoning: false });
    counter.readWhole(this.context.tokenizer.decode(tokenIds, { skipSpecialTokens: false }), tokenIds);
    return counter.reasoningTokens;
  }

  fallbackContent(): string | undefined {
    return this.parser.fallbackContent();
  }

  finish(): DeltaDraft | undefined {
    return this.parser.finish();
  }
}

class EngineTools implements ToolParser {
  private readonly parser: EngineParser;

  constructor(parser: EngineParser) {
    this.parser = parser;
    parser.restart("content");
  }

  push(text: string, tokenIds: readonly number[]): DeltaDraft | undefined {
    return this.parser.stream(text, tokenIds);
  }

  extract(text: string): ExtractedToolCalls {
    return this.parser.extractCalls(text);
  }

  unstreamedArguments(): string {
    return "";
  }

  finish(): DeltaDraft | undefined {
    return this.parser.finish();
  }
}
