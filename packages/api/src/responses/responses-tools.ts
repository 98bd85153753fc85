import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { flatToolName } from "./responses-checks.ts";

const CUSTOM_PARAMETERS: JsonObject = new Map<string, JsonValue>([
  ["type", "object"],
  [
    "properties",
    new Map([
      [
        "input",
        new Map([
          ["type", "string"],
          ["description", "The freeform text payload for this tool."],
        ]),
      ],
    ]),
  ],
  ["required", ["input"]],
  ["additionalProperties", false],
]);

/** A tool's own name, and the namespace it is in; null outside of one. */
export interface CalledTool {
  readonly name: string;
  readonly namespace: string | null;
}

/** What answers have to know of the request's tools. */
export interface ToolNames {
  /** Names of the tools that take a text instead of arguments. */
  readonly custom: ReadonlySet<string>;
  /** The tool behind the name under which the model sees it. */
  resolve(name: string): CalledTool;
}

/** Reads names out of the tools as validated. */
export function toolNames(tools: readonly JsonObject[]): ToolNames {
  const namespaced = new Map<string, CalledTool>();
  for (const tool of tools) {
    for (const inner of functionsOf(tool)) {
      const called = { name: inner.get("name") as string, namespace: tool.get("name") as string };
      namespaced.set(flatToolName(called.namespace, called.name), called);
    }
  }
  return {
    custom: new Set(
      tools.filter((tool) => tool.get("type") === "custom").map((tool) => tool.get("name") as string),
    ),
    resolve: (name) => namespaced.get(name) ?? { name, namespace: null },
  };
}

/** The tools the model can call, as chat templates see them; null where there is no tool at all. */
export function chatTools(tools: readonly JsonObject[]): readonly JsonObject[] | null {
  return tools.length === 0 ? null : tools.flatMap(chatToolsOf);
}

function chatToolsOf(tool: JsonObject): readonly JsonObject[] {
  switch (tool.get("type")) {
    case "function":
      return [chatTool(tool, tool.get("name") as string)];
    case "custom":
      return [chatTool(new Map(tool).set("parameters", CUSTOM_PARAMETERS), tool.get("name") as string)];
    default:
      return functionsOf(tool).map((inner) =>
        chatTool(inner, flatToolName(tool.get("name") as string, inner.get("name") as string)),
      );
  }
}

/** Functions of a namespace; none for other tools. */
function functionsOf(tool: JsonObject): readonly JsonObject[] {
  const tools = tool.get("type") === "namespace" ? tool.get("tools") : undefined;
  if (tools === undefined || !isJsonArray(tools)) return [];
  return (tools as readonly JsonObject[]).filter((inner) => inner.get("type") === "function");
}

function chatTool(tool: JsonObject, name: string): JsonObject {
  const definition: JsonObject = new Map<string, JsonValue>([
    ["name", name],
    ["description", tool.get("description") ?? null],
    ["parameters", tool.get("parameters") ?? null],
  ]);
  for (const key of ["strict", "defer_loading"]) {
    const value = tool.get(key) ?? null;
    if (value !== null) definition.set(key, value);
  }
  return new Map<string, JsonValue>([
    ["type", "function"],
    ["function", definition],
  ]);
}
