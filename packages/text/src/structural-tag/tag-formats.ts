import type { TemplateValue } from "../template/template-value.ts";
import { glmToolFormat, isWhollyStrict } from "./glm-tool-format.ts";
import {
  constantFormat,
  listFormat,
  patternFormat,
  schemaFormat,
  type SchemaStyle,
  sequenceFormat,
  type TagFormat,
  tagFormat,
  triggeredFormat,
} from "./tag-format.ts";
import type { TaggedTool } from "./tagged-tool.ts";

/** What the model may do: call or not, call at least once, make the one call. */
export type TagMode = "auto" | "required" | "forced";

/** Builds what the tag of a family holds. */
export type TagBuilder = (tools: readonly TaggedTool[], mode: TagMode) => TagFormat;

const THINK_MARKS = ["<think>", "</think>"];

/** What the arguments of a tool may be: its schema where it is strict, else any. */
export function parametersOf(tool: TaggedTool): TemplateValue {
  return tool.strict ? (tool.parameters ?? true) : true;
}

function callTag(
  tool: TaggedTool,
  around: readonly [begin: string, end: string],
  style?: SchemaStyle,
): TagFormat {
  return tagFormat(around[0], schemaFormat(parametersOf(tool), style), around[1]);
}

const hermes: TagBuilder = (tools, mode) => {
  const tags = tools.flatMap((tool) =>
    ["\n", ""].map((line) =>
      callTag(tool, [`<tool_call>${line}{"name": "${tool.name}", "arguments": `, `}${line}</tool_call>`]),
    ),
  );
  if (mode === "auto") return triggeredFormat("<tool_call>", tags, { atLeastOne: false, excludes: [] });
  return listFormat(tags, "", mode === "forced");
};

/** Families with one tag a call and nothing around: a trigger, or the one call. */
function simple(
  trigger: string,
  excludes: readonly string[],
  tag: (tool: TaggedTool) => TagFormat,
): TagBuilder {
  return (tools, mode) => {
    const tags = tools.map(tag);
    const [first] = tags;
    if (mode === "forced" && first !== undefined) return first;
    return triggeredFormat(trigger, tags, { atLeastOne: mode === "required", excludes });
  };
}

const qwen3Coder = simple("<tool_call>\n<function=", THINK_MARKS, (tool) =>
  callTag(tool, [`<tool_call>\n<function=${tool.name}>\n`, "\n</function>\n</tool_call>"], "qwen_xml"),
);

const mimo = simple("<tool_call>", [...THINK_MARKS, "</tool_call>", "<function="], (tool) =>
  callTag(tool, [`<tool_call><function=${tool.name}>`, "</function></tool_call>"], "qwen_xml"),
);

const llama = simple('{"name": ', THINK_MARKS, (tool) =>
  callTag(tool, [`{"name": "${tool.name}", "parameters": `, "}"]),
);

const minimax: TagBuilder = (tools, mode) => {
  const calls = listFormat(
    tools.map((tool) => callTag(tool, [`<invoke name="${tool.name}">\n`, "</invoke>\n"], "minimax_xml")),
    "",
    mode === "forced",
  );
  const [begin, end] = ["<minimax:tool_call>\n", "</minimax:tool_call>"];
  if (mode !== "auto") return sequenceFormat([constantFormat(`\n${begin}`), calls, constantFormat(end)]);
  const tag = tagFormat(begin, calls, end);
  return triggeredFormat("<minimax:tool_call>", [tag], { atLeastOne: false, excludes: THINK_MARKS });
};

const KIMI_BEGIN = "<|tool_calls_section_begin|>";
const KIMI_END = "<|tool_calls_section_end|>";

const kimi: TagBuilder = (tools, mode) => {
  const tags = tools.map((tool) =>
    tagFormat(
      `<|tool_call_begin|>functions.${tool.name}:`,
      sequenceFormat([
        patternFormat("\\d+"),
        constantFormat("<|tool_call_argument_begin|>"),
        schemaFormat(parametersOf(tool)),
      ]),
      "<|tool_call_end|>",
    ),
  );
  if (mode === "auto") {
    const section = tagFormat(KIMI_BEGIN, listFormat(tags, "", false), KIMI_END);
    const excludes = [...THINK_MARKS, "<|tool_call_begin|>"];
    return triggeredFormat(KIMI_BEGIN, [section], { atLeastOne: false, excludes });
  }
  const calls = mode === "forced" && tags[0] !== undefined ? tags[0] : listFormat(tags, "", false);
  return sequenceFormat([constantFormat(KIMI_BEGIN), calls, constantFormat(KIMI_END)]);
};

const DEEPSEEK_BEGIN = "<｜tool▁calls▁begin｜>";
const DEEPSEEK_END = "<｜tool▁calls▁end｜>";

function deepseek(around: (name: string) => readonly [string, string], separator: string): TagBuilder {
  return (tools, mode) => {
    const [first] = tools;
    if (mode === "forced" && first !== undefined) {
      const [begin, end] = around(first.name);
      return callTag(first, [DEEPSEEK_BEGIN + begin, end + DEEPSEEK_END]);
    }
    const tags = tools.map((tool) => callTag(tool, around(tool.name)));
    const section = tagFormat(DEEPSEEK_BEGIN, listFormat(tags, separator, false), DEEPSEEK_END);
    if (mode !== "auto") return section;
    return triggeredFormat(DEEPSEEK_BEGIN, [section], { atLeastOne: false, excludes: THINK_MARKS });
  };
}

const deepseekR1 = deepseek(
  (name) => [`<｜tool▁call▁begin｜>function<｜tool▁sep｜>${name}\n\`\`\`json\n`, "\n```<｜tool▁call▁end｜>"],
  "\n",
);

const deepseekV31 = deepseek(
  (name) => [`<｜tool▁call▁begin｜>${name}<｜tool▁sep｜>`, "<｜tool▁call▁end｜>"],
  "",
);

const glm: TagBuilder = (tools, mode) => {
  const tags = tools.map(glmToolFormat);
  const [first] = tags;
  const strict = isWhollyStrict(tools);
  if (mode === "forced" && strict && first !== undefined) return first;
  const excludes = [...THINK_MARKS, "</tool_call>", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"];
  if (mode === "auto" || strict) {
    return triggeredFormat("<tool_call>", tags, { atLeastOne: mode !== "auto", excludes });
  }
  return listFormat(tags, "", mode === "forced");
};

/** Builders by the names tool parsers give (vLLM's `structural_tag_model`). */
export const TAG_BUILDERS: ReadonlyMap<string, TagBuilder> = new Map([
  ["hermes", hermes],
  ["qwen_3_coder", qwen3Coder],
  ["mimo", mimo],
  ["llama", llama],
  ["minimax", minimax],
  ["kimi", kimi],
  ["deepseek_r1", deepseekR1],
  ["deepseek_v3_1", deepseekV31],
  ["glm_4_7", glm],
]);
