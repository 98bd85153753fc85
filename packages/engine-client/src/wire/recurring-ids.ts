import type { RecurringPrompt } from "../engine.ts";
import { type PackedIds, type PromptTags, varintSize, type WireWriter } from "./wire-writer.ts";

/** Ids of a prompt, and what is known of earlier ones. */
interface Prompt {
  readonly tokenIds: Int32Array;
  readonly recurring?: RecurringPrompt | undefined;
}

/** Where packed ids are in a message. */
interface PackedPlace {
  readonly start: number;
  readonly end: number;
}

/** The packed form of prompts that come again, within the messages that it was sent in; gone with the arrays that it was made of. */
const kept = new WeakMap<Int32Array, Uint8Array>();

/**
 * Writes the ids of a prompt as {@link WireWriter.tokenIdsMessage} does; the part that is known of one that comes again is not packed again.
 *
 * @returns where in the message its packed ids are, for {@link keepPrompt}
 */
export function writePrompt(writer: WireWriter, tags: PromptTags, prompt: Prompt): PackedPlace {
  const { tokenIds, recurring } = prompt;
  const first = recurring && firstOf(tokenIds, recurring);
  const start = writer.tokenIdsMessage(tags, tokenIds, first);
  return { start, end: writer.position };
}

/**
 * Keeps the packed form of a prompt that comes again.
 * @param message which nobody writes to any more
 */
export function keepPrompt({ tokenIds, recurring }: Prompt, message: Uint8Array, at: PackedPlace): void {
  if (recurring !== undefined && !kept.has(tokenIds)) kept.set(tokenIds, message.subarray(at.start, at.end));
}

function firstOf(tokenIds: Int32Array, recurring: RecurringPrompt): PackedIds | undefined {
  const bytes = kept.get(tokenIds);
  return bytes === undefined ? sharedOf(recurring) : { bytes, count: tokenIds.length };
}

/** The packed form of what a prompt shares with an earlier one. */
function sharedOf({ earlier, shared }: RecurringPrompt): PackedIds | undefined {
  const bytes = earlier && kept.get(earlier);
  if (bytes === undefined) return undefined;
  // Counted from behind: mostly all but a few ids are shared.
  let size = bytes.length;
  for (let index = earlier!.length - 1; index >= shared; index--)
    size -= varintSize(earlier![index] as number);
  return { bytes: bytes.subarray(0, size), count: shared };
}
