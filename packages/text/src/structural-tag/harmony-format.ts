import { dumpJson, PLAIN_JSON } from "../template/python/json-dump.ts";
import type { TemplateValue } from "../template/template-value.ts";
import {
  anyTextFormat,
  constantFormat,
  optionalFormat,
  orFormat,
  schemaFormat,
  sequenceFormat,
  tagFormat,
  type TagFormat,
} from "./tag-format.ts";
import { parametersOf, type TagBuilder, type TagMode } from "./tag-formats.ts";

const JSON_TYPES = [" json", " <|constrain|>json"];
/** How a message ends; the empty text stands for the tokens that also end the output. */
const ENDS = ["<|end|>", ""];
const CHANNELS = ["<|channel|>commentary", "<|channel|>analysis", "<|channel|>final"];

function finalMessage(content: TagFormat, type: string): TagFormat {
  return tagFormat(`<|channel|>final${type}<|message|>`, content, ENDS);
}

/** Messages on other channels that may come first, each at most once, then the content. */
function behind(channels: readonly string[], content: TagFormat): TagFormat {
  const before = channels.map((channel) =>
    optionalFormat(
      sequenceFormat([
        tagFormat(`<|channel|>${channel}<|message|>`, anyTextFormat([]), "<|end|>"),
        constantFormat("<|start|>assistant"),
      ]),
    ),
  );
  return sequenceFormat([...before, content]);
}

/** Calls of gpt-oss, with every place the recipient may stand and every channel. */
export const harmonyCalls: TagBuilder = (tools, mode) => {
  const tags = tools.flatMap((tool) =>
    [
      (channel: string, type: string): string => ` to=functions.${tool.name}${channel}${type}<|message|>`,
      (channel: string, type: string): string => `${channel} to=functions.${tool.name}${type}<|message|>`,
    ].flatMap((begin) =>
      JSON_TYPES.flatMap((type) =>
        CHANNELS.map((channel) => tagFormat(begin(channel, type), schemaFormat(parametersOf(tool)), ENDS)),
      ),
    ),
  );
  return callsOrAnswers(tags, mode);
};

/** Calls of the tools gpt-oss was trained with: any recipient, any text. */
export function harmonyBuiltIns(mode: TagMode): TagFormat {
  const anywhere = tagFormat("to=", anyTextFormat(["<|start|>"]), ENDS);
  const onChannels = CHANNELS.map((channel) =>
    tagFormat(`${channel} to=`, anyTextFormat(["<|start|>", "<|channel|>"]), ENDS),
  );
  return callsOrAnswers([anywhere, ...onChannels], mode);
}

function callsOrAnswers(calls: readonly TagFormat[], mode: TagMode): TagFormat {
  const answers =
    mode === "auto" ? [...JSON_TYPES, ""].map((type) => finalMessage(anyTextFormat([]), type)) : [];
  return behind(["analysis", "commentary"], orFormat([...calls, ...answers]));
}

/** The structural tag, as JSON text, that lets gpt-oss think first and then holds its answer to a format. */
export function harmonyAnswerTag(format: TagFormat): string {
  const isJson = format.get("type") === "json_schema";
  const answer = isJson
    ? orFormat(JSON_TYPES.map((type) => finalMessage(format, type)))
    : finalMessage(format, "");
  const tag = new Map<string, TemplateValue>([
    ["type", "structural_tag"],
    ["format", behind(["analysis"], answer)],
  ]);
  return dumpJson(tag, { ...PLAIN_JSON, ensureAscii: true });
}
