import type { ParsedToolCall, ToolCallDelta } from "@vllm-router/text";
import type { JsonValue } from "../json/json-value.ts";
import { pythonFloat } from "../json/number-text.ts";
import { codePointLength } from "../json/python-text.ts";
import { quoteJson } from "../json/string-text.ts";
import { writeJson } from "../json/write-json.ts";
import { idList } from "../response/id-list.ts";
import { bytesText } from "../response/logprob-text.ts";
import { usageCounts } from "../response/usage-text.ts";
import { streamStateText, type DerenderStreamState } from "./derender-state.ts";

/** A token's text with its logprob, and those of its alternatives. */
export interface DecodedPosition {
  readonly token: string;
  readonly logprob: number;
  readonly top: readonly { readonly token: string; readonly logprob: number }[];
}

/** What every choice of an answer shows. */
export interface DerenderedChoice {
  readonly index: number;
  readonly finishReason: string | null;
  readonly stopReason: JsonValue;
  /** Undefined where there are none, null where they are empty. */
  readonly logprobs: readonly DecodedPosition[] | null | undefined;
}

/** A choice of a chat answer. */
export interface DerenderedChatChoice extends DerenderedChoice {
  readonly reasoning: string | null;
  readonly content: string | null;
  readonly toolCalls: readonly (ParsedToolCall & { readonly id: string })[];
  /** Undefined where they are not shown. */
  readonly tokenIds: readonly number[] | undefined;
}

/** A choice of a completion, or its next piece. */
export interface DerenderedText extends DerenderedChoice {
  readonly text: string;
  /** Characters told before it. Default 0. */
  readonly textOffset?: number;
}

/** The next piece of a chat answer. */
export interface DerenderedDelta extends DerenderedChoice {
  readonly isFirst: boolean;
  readonly content: string | null;
  readonly reasoning: string | null;
  readonly toolCalls: readonly ToolCallDelta[];
  readonly tokenIds: readonly number[] | undefined;
}

/** What stands around the choices. */
export interface DerenderedFrame {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number } | undefined;
  readonly metrics: JsonValue;
}

/** A whole chat answer. */
export function derenderedChatBody(
  frame: DerenderedFrame,
  choices: readonly DerenderedChatChoice[],
  also: { readonly promptLogprobs: JsonValue; readonly kvTransferParams: JsonValue },
): string {
  const texts = choices.map(
    (choice) =>
      `{"index":${choice.index},"message":{"role":"assistant","content":${textOrNull(choice.content)},"refusal":null,` +
      `"annotations":null,"audio":null,"function_call":null,${callsText(choice.toolCalls)}` +
      `"reasoning":${textOrNull(choice.reasoning)}},"logprobs":${chatLogprobs(choice.logprobs)},` +
      `${endText(choice)},"token_ids":${idsText(choice.tokenIds)},"routed_experts":null}`,
  );
  return (
    `${headText("chat.completion", frame)}"choices":[${texts.join(",")}],"service_tier":null,"system_fingerprint":null,` +
    `"usage":${usageText(frame)},"prompt_logprobs":${writeJson(also.promptLogprobs)},"prompt_token_ids":null,` +
    `"prompt_text":null,"kv_transfer_params":${writeJson(also.kvTransferParams)},"ec_transfer_params":null,` +
    `"metrics":${writeJson(frame.metrics)}}`
  );
}

/** A chunk of a chat answer, with the state to come back with. */
export function derenderedChatChunk(
  frame: DerenderedFrame,
  choices: readonly DerenderedDelta[],
  state: DerenderStreamState,
): string {
  const texts = choices.map((choice) => {
    const calls =
      choice.toolCalls.length === 0 ? "" : `,"tool_calls":[${choice.toolCalls.map(callDelta).join(",")}]`;
    return (
      `{"index":${choice.index},"delta":{"role":${choice.isFirst ? '"assistant"' : "null"},` +
      `"content":${textOrNull(choice.content)},"reasoning":${textOrNull(choice.reasoning)}${calls}},` +
      `"logprobs":${chatLogprobs(choice.logprobs)},${endText(choice)},"token_ids":${idsText(choice.tokenIds)}}`
    );
  });
  const chunk =
    `${headText("chat.completion.chunk", frame)}"choices":[${texts.join(",")}],"usage":${usageText(frame)},` +
    `"system_fingerprint":null,"prompt_token_ids":null,"prompt_text":null,"metrics":${writeJson(frame.metrics)}}`;
  return `{"chunk":${chunk},"stream_state":${streamStateText(state)}}`;
}

/** Whole completions. */
export function derenderedCompletionBody(
  frame: DerenderedFrame,
  choices: readonly DerenderedText[],
  also: { readonly kvTransferParams: JsonValue },
): string {
  const texts = choices.map(
    (choice) =>
      `{"index":${choice.index},"text":${quoteJson(choice.text)},"logprobs":${completionLogprobs(choice)},` +
      `${endText(choice)},"token_ids":null,"prompt_logprobs":null,"prompt_token_ids":null,"routed_experts":null}`,
  );
  return (
    `${headText("text_completion", frame)}"choices":[${texts.join(",")}],"service_tier":null,"system_fingerprint":null,` +
    `"usage":${usageText(frame)},"kv_transfer_params":${writeJson(also.kvTransferParams)},"ec_transfer_params":null,` +
    `"metrics":${writeJson(frame.metrics)}}`
  );
}

/** A chunk of a completion, with the state to come back with. */
export function derenderedCompletionChunk(
  frame: DerenderedFrame,
  choices: readonly DerenderedText[],
  state: DerenderStreamState,
): string {
  const texts = choices.map(
    (choice) =>
      `{"index":${choice.index},"text":${quoteJson(choice.text)},"logprobs":${completionLogprobs(choice)},` +
      `${endText(choice)},"prompt_token_ids":null,"token_ids":null}`,
  );
  const chunk =
    `${headText("text_completion", frame)}"choices":[${texts.join(",")}],"usage":${usageText(frame)},` +
    `"system_fingerprint":null,"metrics":${writeJson(frame.metrics)}}`;
  return `{"chunk":${chunk},"stream_state":${streamStateText(state)}}`;
}

function headText(object: string, { id, created, model }: DerenderedFrame): string {
  return `{"id":${quoteJson(id)},"object":"${object}","created":${created},"model":${quoteJson(model)},`;
}

function endText({ finishReason, stopReason }: DerenderedChoice): string {
  return `"finish_reason":${textOrNull(finishReason)},"stop_reason":${writeJson(stopReason)}`;
}

function usageText({ usage }: DerenderedFrame): string {
  return usage === undefined
    ? "null"
    : `{${usageCounts(usage.promptTokens, usage.completionTokens)},"prompt_tokens_details":null,"completion_tokens_details":null}`;
}

function callsText(calls: DerenderedChatChoice["toolCalls"]): string {
  if (calls.length === 0) return "";
  const texts = calls.map(
    (call) =>
      `{"id":${quoteJson(call.id)},"type":"function","function":{"name":${quoteJson(call.name)},` +
      `"arguments":${quoteJson(call.arguments)}}}`,
  );
  return `"tool_calls":[${texts.join(",")}],`;
}

function callDelta(call: ToolCallDelta): string {
  const type = typeof call.id === "string" || call.type !== undefined ? '"function"' : "null";
  return (
    `{"id":${textOrNull(call.id ?? null)},"type":${type},"index":${call.index},"function":` +
    `{"name":${textOrNull(call.name ?? null)},"arguments":${textOrNull(call.arguments ?? null)}}}`
  );
}

function chatLogprobs(positions: DerenderedChoice["logprobs"]): string {
  if (positions === undefined) return "null";
  if (positions === null) return '{"content":null}';
  const entry = ({ token, logprob }: Pick<DecodedPosition, "token" | "logprob">): string =>
    `"token":${quoteJson(token)},"logprob":${pythonFloat(logprob)},"bytes":${bytesText(token)}`;
  const texts = positions.map(
    (position) =>
      `{${entry(position)},"top_logprobs":[${position.top.map((other) => `{${entry(other)}}`).join(",")}]}`,
  );
  return `{"content":[${texts.join(",")}]}`;
}

function completionLogprobs({ logprobs, textOffset = 0 }: DerenderedText): string {
  if (logprobs === undefined) return "null";
  let at = textOffset;
  const offsets: number[] = [];
  for (const { token } of logprobs ?? []) {
    offsets.push(at);
    at += codePointLength(token);
  }
  const all = logprobs ?? [];
  const top = all.map((position) => {
    if (position.top.length === 0) return "null";
    const members = [...new Map(position.top.map(({ token, logprob }) => [token, logprob]))].map(
      ([token, logprob]) => `${quoteJson(token)}:${pythonFloat(logprob)}`,
    );
    return `{${members.join(",")}}`;
  });
  return (
    `{"text_offset":[${offsets.join(",")}],"token_logprobs":[${all.map(({ logprob }) => pythonFloat(logprob)).join(",")}],` +
    `"tokens":[${all.map(({ token }) => quoteJson(token)).join(",")}],"top_logprobs":[${top.join(",")}]}`
  );
}

function idsText(ids: readonly number[] | undefined): string {
  return ids === undefined ? "null" : idList(ids);
}

function textOrNull(text: string | null): string {
  return text === null ? "null" : quoteJson(text);
}
