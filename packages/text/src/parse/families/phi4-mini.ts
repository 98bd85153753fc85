import { parseJson } from "../../template/python/parse-json.ts";
import { argumentsOrParameters, argumentsText, isJsonList, isJsonMap } from "../json/json-value.ts";
import type { OutputParserContext, ParsedToolCall } from "../output-parser.ts";
import { randomCallId } from "../tool-call-id.ts";
import type { ExtractedToolCalls, ToolParser, ToolParserFamily } from "../tool-parser.ts";

const CALLS = /functools\[([\s\S]*?)\]/;

/**
 * Phi-4-mini: `functools[{…}, …]`, up to the first closing bracket. A list that is no JSON counts as calls of nothing.
 * Streamed answers say nothing at all: vLLM has no streaming for this family.
 */
export const phi4MiniTools: ToolParserFamily = {
  engineBased: false,
  structuralTag: undefined,
  forcedAsJson: true,
  specialTokens: "as-requested",
  defaultStrictLevel: undefined,
  create: (context) => new Phi4MiniTools(context),
};

class Phi4MiniTools implements ToolParser {
  private readonly context: OutputParserContext;

  constructor(context: OutputParserContext) {
    this.context = context;
  }

  extract(text: string): ExtractedToolCalls {
    const list = CALLS.exec(text)?.[1];
    const toolCalls = list === undefined ? undefined : this.collect(`[${list}]`);
    if (toolCalls === undefined) return { toolsCalled: false, toolCalls: [], content: text };
    return { toolsCalled: true, toolCalls, content: null };
  }

  push(): undefined {
    return undefined;
  }

  unstreamedArguments(): string {
    return "";
  }

  finish(): undefined {
    return undefined;
  }

  private collect(list: string): ParsedToolCall[] | undefined {
    const values = parseJson(list);
    if (!isJsonList(values)) return [];
    const calls: ParsedToolCall[] = [];
    for (const value of values) {
      const name = isJsonMap(value) ? value.get("name") : undefined;
      const given = isJsonMap(value) ? argumentsOrParameters(value) : undefined;
      if (typeof name !== "string" || given === undefined) return undefined;
      calls.push({ id: randomCallId(this.context), name, arguments: argumentsText(given) });
    }
    return calls;
  }
}
