import type { OutputParserContext } from "./output-parser.ts";

/** A call's id as vLLM makes up by default. */
export function randomCallId(context: OutputParserContext): string {
  return `chatcmpl-tool-${context.random.hexadecimal()}`;
}

/**
 * A call's id in the style of the model.
 * @param number how many calls the conversation had before this one
 */
export function callId(context: OutputParserContext, name: string, number: number): string {
  return context.toolCallIds === "kimi_k2" ? `functions.${name}:${number}` : randomCallId(context);
}
