import type { TemplateValue } from "../template/template-value.ts";
import { TextError } from "../text-error.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import {
  flatText,
  harmonyTurns,
  instructionsText,
  withoutOldReasoning,
  type HarmonyTurn,
} from "./harmony-turn.ts";
import { schemaType } from "./schema-type.ts";

/** A conversation for gpt-oss. */
export interface HarmonyConversation {
  /** Messages as the request has them. */
  readonly messages: readonly TemplateValue[];
  readonly tools: readonly TemplateValue[] | null;
  /** Null for the model's default. */
  readonly reasoningEffort: string | null;
  /** The day of the conversation, `2026-11-27`. */
  readonly startDate: string;
}

/** What a conversation begins with. */
export interface HarmonyPreamble extends Pick<
  HarmonyConversation,
  "tools" | "reasoningEffort" | "startDate"
> {
  readonly instructions: string | undefined;
}

type Fields = ReadonlyMap<string, TemplateValue>;

const EFFORTS = ["high", "medium", "low"];
const CONSTRAIN = "<|constrain|>";
/** Every special token of the model is written like this. */
const SPECIAL_START = /(?<=<\|)(?=[a-z])/;

/**
 * Token ids of a conversation in Harmony, up to where the assistant begins to speak. Marks inside of texts stay text.
 * @throws TextError `message_invalid` for an effort that gpt-oss does not know
 */
export function renderHarmony(conversation: HarmonyConversation, tokenizer: Tokenizer): Int32Array {
  if (conversation.reasoningEffort === "none") {
    throw new TextError("message_invalid", "Harmony does not support reasoning_effort='none'", {
      parameter: "reasoning_effort",
    });
  }
  const [instructions, messages] = takeInstructions(conversation.messages);
  return renderHarmonyTurns(
    [...harmonyPreamble({ ...conversation, instructions }), ...harmonyTurns(messages)],
    tokenizer,
  );
}

/**
 * The messages a conversation begins with: what the model is and how much it should reason, then instructions and tools.
 * @throws TextError `message_invalid` for an effort that gpt-oss does not know
 */
export function harmonyPreamble(start: HarmonyPreamble): readonly HarmonyTurn[] {
  const { tools, instructions } = start;
  const hasTools = tools !== null && tools.length > 0;
  const turns = [plainTurn("system", systemText(start, hasTools))];
  if (hasTools || (instructions ?? "") !== "") {
    const sections = [
      ...(instructions === undefined ? [] : [instructionsText(instructions)]),
      ...(hasTools ? [toolsText(tools)] : []),
    ];
    turns.push(plainTurn("developer", sections.join("\n\n")));
  }
  return turns;
}

function plainTurn(author: string, text: string): HarmonyTurn {
  return { author, channel: undefined, recipient: undefined, contentType: undefined, parts: [text] };
}

/**
 * Token ids of messages in Harmony, up to where the assistant begins to speak. Reasoning before the last answer is left
 * out.
 */
export function renderHarmonyTurns(turns: readonly HarmonyTurn[], tokenizer: Tokenizer): Int32Array {
  const ids = new HarmonyIds(tokenizer);
  for (const turn of withoutOldReasoning(turns)) ids.turn(turn);
  return ids.completed();
}

/** Instructions of a system or developer message at the start, and the messages behind it. */
function takeInstructions(
  messages: readonly TemplateValue[],
): readonly [instructions: string | undefined, rest: readonly TemplateValue[]] {
  const [first] = messages;
  const role = first instanceof Map ? (first as Fields).get("role") : undefined;
  if (role !== "system" && role !== "developer") return [undefined, messages];
  return [flatText((first as Fields).get("content")), messages.slice(1)];
}

function systemText(
  conversation: Pick<HarmonyConversation, "reasoningEffort" | "startDate">,
  hasTools: boolean,
): string {
  const effort = conversation.reasoningEffort ?? "medium";
  if (!EFFORTS.includes(effort)) {
    throw new TextError(
      "message_invalid",
      `reasoning_effort='${effort}' is not supported by Harmony. Supported values are: ${EFFORTS.join(", ")}.`,
      { parameter: "reasoning_effort" },
    );
  }
  const text =
    "You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\n" +
    `Current date: ${conversation.startDate}\n\nReasoning: ${effort}\n\n` +
    "# Valid channels: analysis, commentary, final. Channel must be included for every message.";
  return hasTools ? `${text}\nCalls to these tools must go to the commentary channel: 'functions'.` : text;
}

function toolsText(tools: readonly TemplateValue[]): string {
  const types = tools.map((tool) => {
    const definition = tool instanceof Map ? (tool as Fields).get("function") : undefined;
    return definition instanceof Map ? toolType(definition as Fields) : "";
  });
  return `# Tools\n\n## functions\n\nnamespace functions {\n\n${types.join("")}} // namespace functions`;
}

function toolType(definition: Fields): string {
  const description = definition.get("description");
  const lines = typeof description === "string" && description !== "" ? description.split("\n") : [];
  if (lines.at(-1) === "") lines.pop();
  const comment = lines.map((line) => `// ${line.replace(/\r$/, "")}\n`).join("");
  const parameters = definition.get("parameters") ?? null;
  const argument = parameters === null ? "" : `_: ${schemaType(parameters, "")}`;
  const name = definition.get("name");
  return `${comment}type ${typeof name === "string" ? name : ""} = (${argument}) => any;\n\n`;
}

/** Gathers the ids. */
class HarmonyIds {
  private readonly tokenizer: Tokenizer;
  private readonly ids: number[] = [];

  constructor(tokenizer: Tokenizer) {
    this.tokenizer = tokenizer;
  }

  turn(turn: HarmonyTurn): void {
    const { author, channel, recipient, contentType } = turn;
    const isCall = author === "assistant" && recipient !== undefined;
    const type = contentType?.startsWith(CONSTRAIN) ? contentType.slice(CONSTRAIN.length) : contentType;
    const to = recipient === undefined ? "" : ` to=${recipient}`;
    // vLLM puts back the older form of calls on `commentary`: the recipient first, and no mark before the type.
    const isOlderForm = isCall && channel === "commentary" && type !== undefined;
    const isToFirst = isCall && (channel !== "commentary" || isOlderForm);
    this.mark("<|start|>");
    this.text(isToFirst ? author + to : author);
    if (channel !== undefined) {
      this.mark("<|channel|>");
      this.text(isToFirst ? channel : channel + to);
    }
    if (isOlderForm) {
      this.text(` ${type}`);
    } else if (type !== undefined) {
      this.text(" ");
      this.mark(CONSTRAIN);
      this.text(type);
    }
    this.mark("<|message|>");
    for (const part of turn.parts) this.text(part);
    this.mark(isCall ? "<|call|>" : "<|end|>");
  }

  /** The ids with the beginning of the model's own message. */
  completed(): Int32Array {
    this.mark("<|start|>");
    this.text("assistant");
    return Int32Array.from(this.ids);
  }

  private mark(token: string): void {
    const id = this.tokenizer.tokenId(token);
    if (id === undefined)
      throw new TextError(
        "parser_unsupported",
        `harmony needs the token ${token}, which the tokenizer lacks`,
      );
    this.ids.push(id);
  }

  /** Text, whose marks must not become tokens: it is cut inside of them, where tokens end anyway. */
  private text(text: string): void {
    for (const piece of text.split(SPECIAL_START)) {
      for (const id of this.tokenizer.encode(piece, false)) this.ids.push(id);
    }
  }
}
