import { parseFloatText, parseIntegerText } from "../../template/python/parse-number.ts";
import { strip } from "../../template/python/whitespace.ts";
import { PythonFloat, type TemplateValue } from "../../template/template-value.ts";
import { callArguments, callsDelta, callStart, contentDraft, type DeltaDraft } from "../delta-draft.ts";
import { argumentsText, isJsonMap } from "../json/json-value.ts";
import type { OutputParserContext, ParsedToolCall } from "../output-parser.ts";
import { randomCallId } from "../tool-call-id.ts";
import type { ExtractedToolCalls, ToolParser, ToolParserFamily } from "../tool-parser.ts";

const CALLS_BEGIN = "<｜tool_calls_begin｜>";
const CALLS_END = "<｜tool_calls_end｜>";
const CALL_BEGIN = "<｜tool_call_begin｜>";
const CALL_END = "<｜tool_call_end｜>";
const SEPARATOR = "<｜tool_sep｜>";
const INVOKE = /<steptml:invoke name="([^"]+)">/;
const PARAMETER = /<steptml:parameter name="([^"]+)">([^<]*)<\/steptml:parameter>/g;

/** Step 3: calls as `<steptml:invoke name="…">` with parameters as elements, typed by the tool's schema. */
export const step3Tools: ToolParserFamily = {
  engineBased: false,
  structuralTag: undefined,
  forcedAsJson: true,
  specialTokens: "with-tools",
  defaultStrictLevel: undefined,
  create: (context) => new Step3Tools(context),
};

type Parameters = ReadonlyMap<string, TemplateValue>;

class Step3Tools implements ToolParser {
  private readonly context: OutputParserContext;
  /** Text from where it has not been told. */
  private rest = "";
  private state: "before" | "between" | "call" | "after" = "before";
  /** Index of the call being read, -1 before the first and after the last. */
  private current = -1;
  private nameSent = false;

  constructor(context: OutputParserContext) {
    this.context = context;
  }

  extract(text: string): ExtractedToolCalls {
    const asContent = { toolsCalled: false, toolCalls: [], content: text };
    const begin = text.indexOf(CALLS_BEGIN);
    const end = begin === -1 ? -1 : text.indexOf(CALLS_END, begin + CALLS_BEGIN.length);
    if (end === -1) return asContent;
    const toolCalls: ParsedToolCall[] = [];
    for (const part of text.slice(begin + CALLS_BEGIN.length, end).split(CALL_BEGIN)) {
      const call = this.collected(part);
      if (call !== undefined) toolCalls.push(call);
    }
    if (toolCalls.length === 0) return asContent;
    const content = strip(text.slice(0, begin) + text.slice(end + CALLS_END.length), "both");
    return { toolsCalled: true, toolCalls, content: content === "" ? null : content };
  }

  push(text: string): DeltaDraft | undefined {
    this.rest += text;
    for (;;) {
      if (this.rest === "") return undefined;
      if (this.state === "after") return this.tellAll();
      if (this.state === "before") {
        const told = this.before();
        if (told !== "go on") return told;
        continue;
      }
      this.rest = strip(this.rest, "left");
      if (this.rest.startsWith(CALLS_END)) {
        this.take(CALLS_END.length);
        this.state = "after";
        this.current = -1;
        continue;
      }
      if (this.state === "between" && this.rest.startsWith(CALL_BEGIN)) {
        this.take(CALL_BEGIN.length);
        this.state = "call";
        this.current++;
        this.nameSent = false;
        continue;
      }
      return this.state === "call" ? this.call() : undefined;
    }
  }

  unstreamedArguments(): string {
    // vLLM keeps no arguments under the name it looks for, and takes them for empty.
    return this.current >= 0 || this.state === "after" ? "{}" : "";
  }

  finish(): undefined {
    return undefined;
  }

  private tellAll(): DeltaDraft {
    const content = this.rest;
    this.rest = "";
    return contentDraft(content);
  }

  /** Text before the calls; a text that may be the beginning of their mark waits, one that ends in one does not. */
  private before(): DeltaDraft | undefined | "go on" {
    const start = this.rest.indexOf(CALLS_BEGIN);
    if (start === 0) {
      this.take(CALLS_BEGIN.length);
      this.state = "between";
      return "go on";
    }
    if (start === -1) return CALLS_BEGIN.startsWith(strip(this.rest, "both")) ? undefined : this.tellAll();
    const content = this.rest.slice(0, start);
    this.take(start);
    return contentDraft(content);
  }

  /** The name of a call, then, in a later piece and once the call is whole, its arguments. */
  private call(): DeltaDraft | undefined {
    const end = this.rest.indexOf(CALL_END);
    const body = end === -1 ? this.rest : this.rest.slice(0, end);
    const name = INVOKE.exec(body)?.[1];
    if (name === undefined) return undefined;
    if (!this.nameSent) {
      this.nameSent = true;
      return callsDelta(callStart(this.current, randomCallId(this.context), name));
    }
    if (end === -1) return undefined;
    this.take(end + CALL_END.length);
    this.state = "between";
    const parameters = this.typed(name, readParameters(body));
    return parameters.size === 0
      ? undefined
      : callsDelta(callArguments(this.current, argumentsText(parameters)));
  }

  private collected(part: string): ParsedToolCall | undefined {
    const end = part.indexOf(CALL_END);
    const call = end === -1 ? "" : part.slice(0, end);
    const separator = call.indexOf(SEPARATOR);
    if (separator === -1 || strip(call.slice(0, separator), "both") !== "function") return undefined;
    const body = call.slice(separator + SEPARATOR.length);
    const name = INVOKE.exec(body)?.[1];
    if (name === undefined) return undefined;
    const id = randomCallId(this.context);
    return { id, name, arguments: argumentsText(this.typed(name, readParameters(body))) };
  }

  private typed(name: string, parameters: ReadonlyMap<string, string>): Parameters {
    const schema = this.context.tools.find((tool) => tool.name === name)?.parameters;
    const properties = isJsonMap(schema) ? schema.get("properties") : undefined;
    const typed = new Map<string, TemplateValue>();
    for (const [key, value] of parameters) {
      const property = isJsonMap(properties) ? properties.get(key) : undefined;
      typed.set(key, typedValue(value, isJsonMap(property) ? property.get("type") : undefined));
    }
    return typed;
  }

  private take(length: number): void {
    this.rest = this.rest.slice(length);
  }
}

function readParameters(body: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const [, name = "", value = ""] of body.matchAll(PARAMETER))
    parameters.set(name, strip(value, "both"));
  return parameters;
}

/** A parameter's text as the value its type asks for, where it can be read as one. */
function typedValue(text: string, type: TemplateValue | undefined): TemplateValue {
  const lower = text.toLowerCase();
  switch (type) {
    case "integer": {
      const value = parseIntegerText(text, 10);
      if (value === undefined) return text;
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    case "number": {
      const value = parseFloatText(text);
      return value === undefined ? text : new PythonFloat(value);
    }
    case "boolean":
      return lower === "true" || lower === "false" ? lower === "true" : text;
    case "null":
      return lower === "null" ? null : text;
    default:
      return text;
  }
}
