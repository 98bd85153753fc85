import { badRequestError } from "../api-error.ts";
import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { isTruthy, pythonRepr } from "../json/python-text.ts";
import type { ChatRequest } from "../request/chat-request.ts";
import { tool as chatTool } from "../request/tool-shapes.ts";
import { freshState, isIssues } from "../validation/validator.ts";
import { blocksOf, isToolChange } from "./content-block.ts";

/**
 * The tools in force at the end of the conversation: blocks that add and remove tools are applied in their order.
 *
 * @returns null where there is no list at all
 * @throws {@link ApiError} 400 for a change of a tool that is not declared
 */
export function toolsInForce(
  messages: readonly JsonObject[],
  declared: readonly JsonObject[] | null,
): readonly JsonObject[] | null {
  const changes = messages.flatMap((message) => blocksOf(message.get("content")).filter(isToolChange));
  if (changes.length === 0) return declared;
  const tools = new Map((declared ?? []).map((tool) => [tool.get("name") as string, tool]));
  const removed = new Set<string>();
  for (const block of changes) {
    const change = block.get("tool") as JsonObject;
    const isAddition = block.get("type") === "tool_addition";
    const definition = change.get("definition") as JsonObject | undefined;
    const name = (definition ?? change).get("name") as string;
    if (definition !== undefined) {
      tools.set(name, definition);
    } else {
      const tool = tools.get(name);
      if (tool === undefined) {
        throw badRequestError(
          `${block.get("type") as string} references tool ${pythonRepr(name)}, which is not declared in tools`,
        );
      }
      if (isAddition) tools.set(name, new Map(tool).set("defer_loading", null));
    }
    if (isAddition) removed.delete(name);
    else removed.add(name);
  }
  return [...tools].filter(([name]) => !removed.has(name)).map(([, tool]) => tool);
}

/** A declaration as chat requests carry it. */
export function convertTool(declared: JsonObject): JsonObject {
  const definition: JsonObject = new Map();
  for (const [name, key] of TOOL_FIELDS) definition.set(name, declared.get(key) ?? null);
  const converted = chatTool.validate(
    new Map<string, JsonValue>([
      ["type", "function"],
      ["function", definition],
    ]),
    freshState(),
  );
  if (isIssues(converted)) throw new RangeError("a checked tool is a valid tool of a chat");
  return converted;
}

const TOOL_FIELDS = [
  ["name", "name"],
  ["description", "description"],
  ["parameters", "input_schema"],
  ["strict", "strict"],
  ["defer_loading", "defer_loading"],
] as const;

/** The tool choice as chat requests carry it, and whether several calls at once are allowed. */
export function convertToolChoice(
  choice: JsonObject | null,
): Pick<ChatRequest, "toolChoice" | "parallelToolCalls"> {
  if (choice === null) return { toolChoice: null, parallelToolCalls: true };
  const parallelToolCalls = !isTruthy(choice.get("disable_parallel_tool_use"));
  switch (choice.get("type")) {
    case "any":
      return { toolChoice: "required", parallelToolCalls };
    case "none":
      return { toolChoice: "none", parallelToolCalls };
    case "tool": {
      const named: JsonObject = new Map<string, JsonValue>([
        ["function", new Map([["name", choice.get("name") ?? ""]])],
        ["type", "function"],
      ]);
      return { toolChoice: named, parallelToolCalls };
    }
    default:
      return { toolChoice: "auto", parallelToolCalls };
  }
}
