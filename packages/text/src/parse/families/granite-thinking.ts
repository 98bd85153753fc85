import type { DeltaDraft } from "../delta-draft.ts";
import { engineReasoning } from "../engine/engine-family.ts";
import type { EngineParser, EnginePass } from "../engine/engine-parser.ts";
import type { FormatEvent } from "../engine/output-format.ts";
import type { OutputParserContext } from "../output-parser.ts";
import type { ExtractedReasoning } from "../reasoning-parser.ts";
import { NEMOTRON_FORMATS, NemotronV3Parser } from "./nemotron-v3.ts";

/** Granite 4.2: the template writes a line break behind `</think>`, which is no content. */
class GraniteThinkingParser extends NemotronV3Parser {
  private contentStarted = false;

  override get confirmsReasoningEnd(): boolean {
    // Until content begins, outputs pass through here, so that its line breaks are dropped.
    return this.reasoningOver && this.contentStarted;
  }

  override restart(initialState?: "content"): void {
    super.restart(initialState);
    this.contentStarted = false;
  }

  override extractReasoning(text: string): ExtractedReasoning {
    const { reasoning, content } = this.plainReasoning(text);
    if (content === null)
      return this.forcesContent ? { reasoning: null, content: reasoning } : { reasoning, content };
    const trimmed = content.replace(/^\n+/, "");
    return { reasoning, content: trimmed === "" ? null : trimmed };
  }

  protected override toDelta(events: readonly FormatEvent[], finished: boolean): DeltaDraft | undefined {
    const delta = super.toDelta(events, finished);
    if (delta === undefined || typeof delta.content !== "string" || this.contentStarted) return delta;
    const trimmed = delta.content.replace(/^\n+/, "");
    delta.content = trimmed === "" ? null : trimmed;
    this.contentStarted = trimmed !== "";
    const silent = trimmed === "" && (delta.reasoning ?? null) === null && delta.toolCalls === undefined;
    return silent ? undefined : delta;
  }
}

const make = (context: OutputParserContext, pass: EnginePass): EngineParser =>
  new GraniteThinkingParser(NEMOTRON_FORMATS, context, pass);

/** Granite 4.2: as Nemotron 3, without the line breaks in front of the content. */
export const graniteThinkingReasoning = engineReasoning(make);
