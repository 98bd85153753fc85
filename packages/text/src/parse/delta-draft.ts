import type { OutputDelta, ToolCallDelta } from "./output-parser.ts";

/** A piece of a call that is still being put together. */
export interface ToolCallDraft extends ToolCallDelta {
  id: string | null | undefined;
  name: string | null | undefined;
  arguments: string | null | undefined;
}

/** A delta that is still being put together: parsers fill it, the parser around them finishes it. */
export interface DeltaDraft extends OutputDelta {
  content: string | null | undefined;
  reasoning: string | null | undefined;
  toolCalls: ToolCallDraft[] | undefined;
}

/** A delta with no key set. */
export function emptyDraft(): DeltaDraft {
  return { content: undefined, reasoning: undefined, toolCalls: undefined };
}

/** A delta that sets `content` only. */
export function contentDraft(content: string): DeltaDraft {
  return { content, reasoning: undefined, toolCalls: undefined };
}

/** A delta that sets `reasoning`, and `content` where it is not undefined. */
export function reasoningDraft(reasoning: string, content?: string | null): DeltaDraft {
  return { content, reasoning, toolCalls: undefined };
}

/** A delta that sets pieces of calls only. */
export function callsDelta(...toolCalls: ToolCallDraft[]): DeltaDraft {
  return { content: undefined, reasoning: undefined, toolCalls };
}

/** First piece of a call. */
export function callStart(index: number, id: string, name: string): ToolCallDraft {
  return { index, id, name, arguments: undefined };
}

/** A further piece of a call's arguments. */
export function callArguments(index: number, text: string): ToolCallDraft {
  return { index, id: undefined, name: undefined, arguments: text };
}

/** True where a delta says something of calls. */
export function hasToolCalls(delta: OutputDelta): boolean {
  return delta.toolCalls !== undefined && delta.toolCalls.length > 0;
}
