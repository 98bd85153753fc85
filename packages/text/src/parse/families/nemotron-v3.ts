import { isBlank } from "../blank.ts";
import type { DeltaDraft } from "../delta-draft.ts";
import { engineReasoning } from "../engine/engine-family.ts";
import type { EngineParser, EnginePass } from "../engine/engine-parser.ts";
import type { FormatEvent } from "../engine/output-format.ts";
import type { OutputParserContext } from "../output-parser.ts";
import type { ExtractedReasoning } from "../reasoning-parser.ts";
import { qwen3Format, Qwen3Parser, type ThinkingFormats } from "./qwen3.ts";

const TRIMMED = { trimsReasoning: true };

/** The formats of Nemotron 3 and its relatives. */
export const NEMOTRON_FORMATS: ThinkingFormats = {
  on: qwen3Format(true, TRIMMED),
  off: qwen3Format(false, TRIMMED),
};

/** Qwen 3's parser for models that must answer with content: where the request says so, reasoning takes its place. */
export class NemotronV3Parser extends Qwen3Parser {
  private streamed = "";

  override restart(initialState?: "content"): void {
    super.restart(initialState);
    this.streamed = "";
  }

  override fallbackContent(): string | undefined {
    return this.forcesContent ? this.streamed : undefined;
  }

  override extractReasoning(text: string): ExtractedReasoning {
    const { reasoning, content } = super.extractReasoning(text);
    const swaps = this.forcesContent && isBlank(content ?? "");
    return swaps ? { reasoning: content, content: reasoning } : { reasoning, content };
  }

  /** Without the swap. */
  protected plainReasoning(text: string): ExtractedReasoning {
    return super.extractReasoning(text);
  }

  protected get forcesContent(): boolean {
    const { requestKwargs } = this.context;
    return (
      requestKwargs.get("enable_thinking") === false || requestKwargs.get("force_nonempty_content") === true
    );
  }

  protected override toDelta(events: readonly FormatEvent[], finished: boolean): DeltaDraft | undefined {
    const delta = super.toDelta(events, finished);
    this.streamed += delta?.reasoning ?? "";
    return delta;
  }
}

const make = (context: OutputParserContext, pass: EnginePass): EngineParser =>
  new NemotronV3Parser(NEMOTRON_FORMATS, context, pass);

/** Nemotron 3: Qwen 3's reasoning, given out as content where content must not be empty. */
export const nemotronV3Reasoning = engineReasoning(make);
