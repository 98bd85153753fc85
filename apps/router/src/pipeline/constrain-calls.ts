import {
  badRequestError,
  mergeConstraints,
  validationError,
  type ChatRequest,
  type JsonObject,
  type JsonValue,
} from "@vllm-router/api";
import {
  constraintFormat,
  harmonyAnswerTag,
  toolStructuralTag,
  type DeclaredTool,
  type TemplateValue,
  type ToolChoice,
  type ToolStrictLevel,
} from "@vllm-router/text";
import type { ModelParsers } from "../models/model-parsers.ts";
import { declaredTools, toolChoiceOf } from "./parser-context.ts";

/** What of the constraint depends on the API the request came by. */
export interface ConstraintContext {
  /** True where the request has tools that are no functions. */
  readonly builtInTools?: boolean;
  /** True for requests of the Responses API: some families force calls only in chats. */
  readonly isResponses?: boolean;
}

/**
 * The request as the engine must see it for its answer to be parsed: special tokens stay in the text where the parsers need
 * them, and calls are held to their form as far as the request and the server ask for it.
 * @throws ApiError 400 with vLLM's text for tools no schema can be made of
 */
export function constrainCalls(
  asked: ChatRequest,
  parsers: ModelParsers,
  context: ConstraintContext = {},
): ChatRequest {
  const { selection } = parsers;
  const request = selection?.whole === undefined ? asked : withHarmonyAnswer(asked);
  const toolChoice = toolChoiceOf(request);
  if (selection === undefined || (selection.reasoning === undefined && toolChoice === "none")) {
    return request;
  }
  const { tool, reasoning } = selection;
  const mayCall = request.tools !== null && toolChoice !== "none";
  const keepsSpecialTokens =
    reasoning?.keepsSpecialTokens === true ||
    tool?.specialTokens === "always" ||
    (tool?.specialTokens === "with-tools" && mayCall);
  const adjusted = keepsSpecialTokens ? { ...request, skipSpecialTokens: false } : request;
  const constraint =
    mayCall && tool !== undefined ? callConstraint(request, toolChoice, { ...context, parsers }) : undefined;
  return constraint === undefined
    ? adjusted
    : { ...adjusted, structuredOutputs: new Map([constraint]), responseFormat: null };
}

/** Kinds of constraints in `structured_outputs`; its other members are options. */
const CONSTRAINTS = new Set(["json", "regex", "choice", "grammar", "json_object", "structural_tag"]);

/** A constraint of the request, put behind the reasoning into the form of an answer in Harmony. */
function withHarmonyAnswer(request: ChatRequest): ChatRequest {
  const own = mergeConstraints(request);
  const format = own === undefined ? undefined : constraintFormat(own);
  if (own === undefined || format === undefined) {
    return request;
  }
  const options = [...own].filter(([key]) => !CONSTRAINTS.has(key));
  const structuredOutputs = new Map([...options, ["structural_tag", harmonyAnswerTag(format)] as const]);
  return { ...request, structuredOutputs, responseFormat: null };
}

/** The member of `structured_outputs` that constrains the calls of a request; undefined where nothing does. */
function callConstraint(
  request: ChatRequest,
  toolChoice: ToolChoice,
  context: ConstraintContext & { readonly parsers: ModelParsers },
): readonly [string, JsonValue] | undefined {
  const { parsers } = context;
  const tool = parsers.selection?.tool;
  if (tool === undefined) {
    return undefined;
  }
  if (tool.structuralTag !== undefined) {
    checkNamed(toolChoice, declaredTools(request));
  }
  const own = mergeConstraints(request);
  const singleCall = request.parallelToolCalls === false;
  const otherwise = toolChoice === "auto" && own !== undefined ? constraintFormat(own) : undefined;
  const tag =
    tool.structuralTag === undefined
      ? undefined
      : toolStructuralTag({
          tag: tool.structuralTag,
          tools: declaredTools(request),
          toolChoice,
          strictLevel: strictLevelOf(parsers, {
            default: tool.defaultStrictLevel,
            // Limiting the number of calls needs their frame in the grammar.
            limited: singleCall && !(toolChoice === "auto" && own !== undefined),
          }),
          singleCall,
          builtInTools: context.builtInTools ?? false,
          otherwise,
        });
  if (tag !== undefined) {
    return ["structural_tag", tag];
  }
  if (tool.forcedList === true) {
    return context.isResponses === true ? undefined : forcedList(request, toolChoice);
  }
  if (!tool.forcedAsJson || (own?.get("structural_tag") ?? null) !== null) {
    return undefined;
  }
  const schema = forcedSchema(request, toolChoice);
  return schema === undefined ? undefined : ["json", schema];
}

/** Requests of other APIs than chat may name a tool that there is not. @throws ApiError 400 */
function checkNamed(toolChoice: ToolChoice, tools: readonly DeclaredTool[]): void {
  if (typeof toolChoice === "object" && !tools.some((tool) => tool.name === toolChoice.function)) {
    throw badRequestError(`The tool with name '${toolChoice.function}' is not found in the tools list.`);
  }
}

const LEVELS: readonly ToolStrictLevel[] = ["auto", "function", "parameter"];

function strictLevelOf(
  parsers: ModelParsers,
  tool: { readonly default: ToolStrictLevel | undefined; readonly limited: boolean },
): ToolStrictLevel {
  const level = parsers.strictLevel === "auto" ? (tool.default ?? "auto") : parsers.strictLevel;
  return tool.limited && LEVELS.indexOf(level) < LEVELS.indexOf("function") ? "function" : level;
}

/** Forced calls as a JSON list of names and arguments, unless the request has a constraint of its own. */
function forcedList(request: ChatRequest, toolChoice: ToolChoice): readonly [string, JsonValue] | undefined {
  const isTag = request.responseFormat?.get("type") === "structural_tag";
  if (toolChoice === "auto" || toolChoice === "none" || request.structuredOutputs !== null || isTag) {
    return undefined;
  }
  const tools = declaredTools(request);
  const usable =
    typeof toolChoice === "object" ? tools.filter((tool) => tool.name === toolChoice.function) : tools;
  const calls = usable.map(({ name, parameters }): JsonValue => {
    const isEmpty = !(parameters instanceof Map) || parameters.size === 0;
    const schema = isEmpty ? object(["type", "object"]) : (parameters as JsonObject);
    return object(
      ["type", "object"],
      ["properties", object(["name", object(["type", "string"], ["enum", [name]])], ["arguments", schema])],
      ["required", ["name", "arguments"]],
    );
  });
  const limit: [string, JsonValue][] = typeof toolChoice === "object" ? [["maxItems", 1]] : [];
  const items = object(["type", "object"], ["anyOf", calls]);
  return calls.length === 0
    ? undefined
    : ["json", object(["type", "array"], ["minItems", 1], ...limit, ["items", items])];
}

/** The JSON schema of forced calls for parsers without a structural tag. */
function forcedSchema(request: ChatRequest, toolChoice: ToolChoice): JsonValue | undefined {
  const tools = declaredTools(request);
  if (typeof toolChoice === "object") {
    // Of several tools of one name the last counts.
    return schemaOf(tools.findLast((tool) => tool.name === toolChoice.function)?.parameters);
  }
  if (toolChoice !== "required") {
    return undefined;
  }
  const definitions = new Map<string, JsonValue>();
  const calls = tools.map(({ name, parameters }): JsonValue => {
    const schema = withoutDefinitions(schemaOf(parameters), name, definitions);
    return object(
      ["properties", object(["name", object(["type", "string"], ["enum", [name]])], ["parameters", schema])],
      ["required", ["name", "parameters"]],
    );
  });
  const list: [string, JsonValue][] = [
    ["type", "array"],
    ["minItems", 1],
    ["items", object(["type", "object"], ["anyOf", calls])],
  ];
  if (request.parallelToolCalls === false) {
    list.push(["maxItems", 1]);
  }
  if (definitions.size > 0) {
    list.push(["$defs", definitions]);
  }
  return new Map(list);
}

function object(...members: readonly (readonly [string, JsonValue])[]): JsonObject {
  return new Map(members);
}

function schemaOf(parameters: TemplateValue | undefined): JsonValue {
  const isEmpty = !(parameters instanceof Map) || parameters.size === 0;
  return isEmpty ? object(["type", "object"], ["properties", new Map()]) : (parameters as JsonObject);
}

/** `$defs` of the tools go to the top of the whole schema. */
function withoutDefinitions(schema: JsonValue, name: string, all: Map<string, JsonValue>): JsonValue {
  const own = (schema as JsonObject).get("$defs");
  if (own === undefined) {
    return schema;
  }
  if (!(own instanceof Map)) {
    throw validationError(
      `\`$defs\` in the parameters of tool '${name}' must be an object, got ${typeName(own)}.`,
      "tools",
    );
  }
  for (const [key, definition] of own as JsonObject) {
    const known = all.get(key);
    if (known !== undefined && JSON.stringify(plain(known)) !== JSON.stringify(plain(definition))) {
      throw validationError(
        `Tool definition '${key}' has multiple schemas, which is not supported.`,
        "tools",
      );
    }
    all.set(key, definition);
  }
  const rest: JsonObject = new Map(schema as JsonObject);
  rest.delete("$defs");
  return rest;
}

/** For comparing: objects without regard to the order of their members. */
function plain(value: JsonValue): unknown {
  if (value instanceof Map) {
    return [...(value as JsonObject)]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, plain(item)]);
  }
  if (Array.isArray(value)) {
    return value.map((item) => plain(item as JsonValue));
  }
  return typeof value === "bigint" ? String(value) : value;
}

function typeName(value: JsonValue): string {
  if (value === null) return "NoneType";
  if (typeof value === "string") return "str";
  if (typeof value === "boolean") return "bool";
  if (Array.isArray(value)) return "list";
  return typeof value === "object" ? "float" : "int";
}
