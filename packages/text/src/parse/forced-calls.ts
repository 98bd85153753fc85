import { dumpJson, PLAIN_JSON } from "../template/python/json-dump.ts";
import { parseJson } from "../template/python/parse-json.ts";
import type { TemplateValue } from "../template/template-value.ts";
import { isBlank } from "./blank.ts";
import { emptyDraft, type DeltaDraft, type ToolCallDraft } from "./delta-draft.ts";
import type { OutputParserContext, ParsedOutput, ParsedToolCall } from "./output-parser.ts";
import { RequiredCallScanner } from "./required-call-scanner.ts";
import { callId } from "./tool-call-id.ts";

/** Calls forced as plain JSON, in a whole text: the arguments of the named tool, or a list of calls. */
export function parseForcedCalls(
  content: string | null,
  context: OutputParserContext,
): Omit<ParsedOutput, "reasoning"> {
  const { toolChoice } = context;
  if (typeof toolChoice === "string")
    return { toolCalls: listedCalls(content ?? "", context), content: null };
  if (content === null || isBlank(content)) return { toolCalls: [], content: null };
  const name = toolChoice.function;
  const id = wholeCallId(context, name, context.historyToolCalls);
  return { toolCalls: [{ id, name, arguments: content }], content: null };
}

/** Whole calls carry an id only where the model numbers them; else the API makes one up. */
function wholeCallId(context: OutputParserContext, name: string, number: number): string | undefined {
  return context.toolCallIds === "kimi_k2" ? callId(context, name, number) : undefined;
}

function listedCalls(text: string, context: OutputParserContext): readonly ParsedToolCall[] {
  const list = parseJson(text);
  if (!Array.isArray(list)) return [];
  const calls: ParsedToolCall[] = [];
  for (const item of list as readonly TemplateValue[]) {
    if (!isDefinition(item)) return [];
    const name = item.get("name") as string;
    const id = wholeCallId(context, name, context.historyToolCalls + calls.length);
    calls.push({ id, name, arguments: dumpJson(item.get("parameters") ?? null, PLAIN_JSON) });
  }
  return calls;
}

/** What vLLM's model of a function accepts: only then does the whole list count. */
function isDefinition(value: TemplateValue): value is ReadonlyMap<string, TemplateValue> {
  if (!(value instanceof Map)) return false;
  const fields = value as ReadonlyMap<string, TemplateValue>;
  const parameters = fields.get("parameters") ?? null;
  const description = fields.get("description") ?? null;
  return (
    typeof fields.get("name") === "string" &&
    (parameters === null || parameters instanceof Map) &&
    (description === null || typeof description === "string")
  );
}

/** Calls forced as plain JSON, while they arrive. */
export class ForcedCallStream {
  private readonly context: OutputParserContext;
  private readonly name: string | undefined;
  private readonly forgets: boolean;
  private scanner = new RequiredCallScanner();
  private announced = 0;
  /** Calls in the conversation, those told here included. */
  private calls: number;

  /**
   * Undefined where the request forces nothing.
   * @param forgets a list is looked for in each output alone, as vLLM does behind parsers that run on its engine: a list that
   *   comes in several outputs is not found
   */
  static create(context: OutputParserContext, forgets: boolean): ForcedCallStream | undefined {
    const { toolChoice } = context;
    return toolChoice === "none" || toolChoice === "auto"
      ? undefined
      : new ForcedCallStream(context, forgets);
  }

  private constructor(context: OutputParserContext, forgets: boolean) {
    const { toolChoice } = context;
    this.context = context;
    this.forgets = forgets;
    this.name = typeof toolChoice === "string" ? undefined : toolChoice.function;
    this.calls = context.historyToolCalls;
  }

  /** The next piece of text behind the reasoning. */
  push(text: string): DeltaDraft | undefined {
    const toolCalls = this.name === undefined ? this.listed(text) : [this.named(this.name, text)];
    return toolCalls.length === 0 ? undefined : { ...emptyDraft(), toolCalls };
  }

  private named(name: string, text: string): ToolCallDraft {
    if (this.announced > 0) return { index: 0, id: undefined, name: undefined, arguments: text };
    this.announced = 1;
    return { index: 0, id: callId(this.context, name, this.calls), name, arguments: text };
  }

  private listed(text: string): ToolCallDraft[] {
    if (this.forgets) {
      this.scanner = new RequiredCallScanner();
      this.announced = 0;
    }
    this.scanner.feed(text);
    const deltas: ToolCallDraft[] = [];
    const { calls } = this.scanner;
    for (let index = Math.max(0, this.announced - 1); index < calls.length; index++) {
      const call = calls[index];
      if (call?.name === undefined || !call.argumentsStarted) break;
      const text = call.pending;
      call.pending = "";
      if (index < this.announced) {
        if (text !== "") deltas.push({ index, id: undefined, name: null, arguments: text });
        continue;
      }
      this.announced++;
      deltas.push({
        index,
        id: callId(this.context, call.name, this.calls++),
        name: call.name,
        arguments: text,
      });
    }
    return deltas;
  }
}
