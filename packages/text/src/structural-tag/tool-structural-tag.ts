import type { DeclaredTool, ToolChoice } from "../parse/output-parser.ts";
import type { ToolStrictLevel } from "../parse/tool-parser.ts";
import { dumpJson, PLAIN_JSON } from "../template/python/json-dump.ts";
import type { TemplateValue } from "../template/template-value.ts";
import { limitedToOneCall, orFormat, type TagFormat } from "./tag-format.ts";
import { harmonyBuiltIns, harmonyCalls } from "./harmony-format.ts";
import { TAG_BUILDERS as FAMILY_BUILDERS, type TagBuilder, type TagMode } from "./tag-formats.ts";
import type { TaggedTool } from "./tagged-tool.ts";

const TAG_BUILDERS: ReadonlyMap<string, TagBuilder> = new Map([
  ...FAMILY_BUILDERS,
  ["harmony", harmonyCalls],
]);

/** What a structural tag of calls depends on. */
export interface ToolTagRequest {
  /** The family's name for its tag. */
  readonly tag: string;
  readonly tools: readonly DeclaredTool[];
  readonly toolChoice: ToolChoice;
  readonly strictLevel: ToolStrictLevel;
  /** `parallel_tool_calls: false`. */
  readonly singleCall: boolean;
  /** True where the request has tools that are no functions; families that know none take no notice. */
  readonly builtInTools?: boolean;
  /** A format the answer may have instead of calls: then the calls are as if required, since text would allow anything. */
  readonly otherwise?: TagFormat | undefined;
}

/**
 * The structural tag that holds a model to its family's form of calls, as JSON text the way vLLM sends it to the engine.
 * @returns undefined where nothing is constrained: no tools, no such tag, or `auto` without a strict tool
 */
export function toolStructuralTag(request: ToolTagRequest): string | undefined {
  const build = TAG_BUILDERS.get(request.tag);
  const tools = strictnessOf(request);
  if (build === undefined || tools === undefined) return undefined;
  const { toolChoice } = request;
  const forced = typeof toolChoice === "object" ? toolChoice.function : undefined;
  const usable = forced === undefined ? tools : tools.filter((tool) => tool.name === forced);
  const mode: TagMode = forced !== undefined ? "forced" : toolChoice === "auto" ? "auto" : "required";
  const asked = request.otherwise !== undefined && mode === "auto" ? "required" : mode;
  const built = hasBuiltIns(request) ? harmonyBuiltIns(asked) : build(usable, asked);
  const limited = request.singleCall ? (limitedToOneCall(built) as TagFormat) : built;
  const whole = request.otherwise === undefined ? limited : orFormat([limited, request.otherwise]);
  const tag = new Map<string, TemplateValue>([
    ["type", "structural_tag"],
    ["format", whole],
  ]);
  return dumpJson(tag, { ...PLAIN_JSON, ensureAscii: true });
}

/** A choice of a function leaves the other tools out. */
function hasBuiltIns({ tag, toolChoice, builtInTools }: ToolTagRequest): boolean {
  return builtInTools === true && tag === "harmony" && typeof toolChoice === "string";
}

function strictnessOf(request: ToolTagRequest): readonly TaggedTool[] | undefined {
  const { tools, toolChoice, strictLevel } = request;
  if ((tools.length === 0 && !hasBuiltIns(request)) || toolChoice === "none") return undefined;
  const anyStrict = tools.some((tool) => tool.strict === true);
  if (toolChoice === "auto" && strictLevel === "auto" && !anyStrict) return undefined;
  return tools.map(({ name, parameters, strict }) => ({
    name,
    parameters,
    strict: strictLevel === "parameter" || strict === true,
  }));
}
