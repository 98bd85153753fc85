import type { TemplateValue } from "../template/template-value.ts";
import { dumpJson, PLAIN_JSON } from "../template/python/json-dump.ts";

/** A message of a conversation in Harmony. */
export interface HarmonyTurn {
  /** `assistant`, `user`, `developer`, or the name of a tool. */
  readonly author: string;
  readonly channel: string | undefined;
  readonly recipient: string | undefined;
  readonly contentType: string | undefined;
  /** Parts of the text, which are tokenised apart. */
  readonly parts: readonly string[];
}

type Fields = ReadonlyMap<string, TemplateValue>;

const PLAIN = { channel: undefined, recipient: undefined, contentType: undefined };

/** Text of a developer message that gives instructions. */
export function instructionsText(instructions: string): string {
  return `# Instructions\n\n${instructions}`;
}

/** A message on a channel. */
function assistantTurn(channel: string, parts: readonly string[]): HarmonyTurn {
  return { ...PLAIN, author: "assistant", channel, parts };
}

/** The messages of a chat request as Harmony has them: reasoning on `analysis`, calls on `commentary`, answers on `final`. */
export function harmonyTurns(messages: readonly TemplateValue[]): readonly HarmonyTurn[] {
  const names = toolNames(messages);
  return messages.flatMap((message) => (message instanceof Map ? turnsOf(message as Fields, names) : []));
}

/** Without the reasoning before the last answer. */
export function withoutOldReasoning(turns: readonly HarmonyTurn[]): readonly HarmonyTurn[] {
  const lastAnswer = turns.findLastIndex((turn) => turn.author === "assistant" && turn.channel === "final");
  return turns.filter((turn, index) => index >= lastAnswer || turn.channel !== "analysis");
}

/** All text of a message's content, undefined where there is none. */
export function flatText(content: TemplateValue | undefined): string | undefined {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return undefined;
  const texts = (content as readonly TemplateValue[]).map((part) =>
    typeof part === "string" ? part : textIn(part),
  );
  const given = texts.filter((text) => text !== undefined);
  return given.length === 0 ? undefined : given.join("");
}

function textIn(part: TemplateValue): string | undefined {
  const text = part instanceof Map ? (part as Fields).get("text") : undefined;
  return typeof text === "string" ? text : undefined;
}

/** Names of the functions called, by the id of the call. */
function toolNames(messages: readonly TemplateValue[]): ReadonlyMap<TemplateValue, string> {
  const names = new Map<TemplateValue, string>();
  for (const message of messages) {
    for (const call of message instanceof Map ? callsOf(message as Fields) : []) {
      names.set(call.id, call.name);
    }
  }
  return names;
}

interface Call {
  readonly id: TemplateValue;
  readonly name: string;
  readonly arguments: string;
}

function callsOf(message: Fields): readonly Call[] {
  const calls = message.get("tool_calls");
  if (!Array.isArray(calls)) return [];
  return (calls as readonly TemplateValue[]).map((call) => {
    const fields: Fields = call instanceof Map ? (call as Fields) : new Map();
    const called = fields.get("function");
    const definition: Fields = called instanceof Map ? (called as Fields) : new Map();
    const name = definition.get("name");
    const given = definition.get("arguments") ?? "";
    return {
      id: fields.get("id") ?? null,
      name: typeof name === "string" ? name : "",
      arguments: typeof given === "string" ? given : dumpJson(given, PLAIN_JSON),
    };
  });
}

function turnsOf(message: Fields, names: ReadonlyMap<TemplateValue, string>): HarmonyTurn[] {
  const role = message.get("role");
  if (role === "tool") {
    const name = names.get(message.get("tool_call_id") ?? null) ?? "";
    const parts = [flatText(message.get("content")) ?? ""];
    return [
      {
        author: `functions.${name}`,
        channel: "commentary",
        recipient: "assistant",
        contentType: undefined,
        parts,
      },
    ];
  }
  if (role === "assistant") return assistantTurns(message);
  if (role === "system" || role === "developer") {
    const instructions = flatText(message.get("content"));
    return instructions === undefined
      ? []
      : [{ ...PLAIN, author: "developer", parts: [instructionsText(instructions)] }];
  }
  return [{ ...PLAIN, author: typeof role === "string" ? role : "user", parts: contentParts(message) }];
}

function assistantTurns(message: Fields): HarmonyTurn[] {
  const turns: HarmonyTurn[] = [];
  const reasoning = message.get("reasoning") ?? message.get("reasoning_content");
  const thought = typeof reasoning === "string" && reasoning !== "" ? reasoning : undefined;
  const calls = callsOf(message);
  if (calls.length === 0) {
    const parts = contentParts(message);
    if (thought !== undefined) turns.push(assistantTurn("analysis", [thought]));
    if ((parts[0] ?? "") !== "") turns.push(assistantTurn("final", parts));
    return turns;
  }
  const preamble = flatText(message.get("content")) ?? "";
  if (preamble !== "") turns.push(assistantTurn("commentary", [preamble]));
  if (thought !== undefined) turns.push(assistantTurn("analysis", [thought]));
  for (const call of calls) {
    turns.push({
      ...assistantTurn("commentary", [call.arguments]),
      recipient: `functions.${call.name}`,
      contentType: "json",
    });
  }
  return turns;
}

function contentParts(message: Fields): readonly string[] {
  const content = message.get("content") ?? "";
  if (typeof content === "string") return [content];
  if (!Array.isArray(content)) return [""];
  return (content as readonly TemplateValue[]).map((part) => textIn(part) ?? "");
}
