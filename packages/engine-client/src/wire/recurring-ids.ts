import type { RecurringPrompt } from "../engine.ts";
import { type PackedIds, type PromptTags, varintSize, type WireWriter } from "./wire-writer.ts";

/** Ids of a prompt, and what is known of earlier ones. */
interface Prompt {
  readonly tokenIds: Int32Array;
  readonly recurring?: RecurringPrompt | undefined;
}

/** The packed form of prompts that come again; gone with the arrays that it was made of. */
const kept = new WeakMap<Int32Array, Uint8Array>();

/**
 * Writes the ids of a prompt as {@link WireWriter.tokenIdsMessage} does. Of one that comes again as the beginning of longer ones the packed form is
 * kept, and the part that an earlier prompt shares is not packed again.
 */
export function writePrompt(writer: WireWriter, tags: PromptTags, prompt: Prompt): void {
  const { tokenIds, recurring } = prompt;
  if (recurring === undefined) {
    writer.tokenIdsMessage(tags, tokenIds);
    return;
  }
  const whole = kept.get(tokenIds);
  const first = whole === undefined ? sharedOf(recurring) : { bytes: whole, count: tokenIds.length };
  const start = writer.tokenIdsMessage(tags, tokenIds, first);
  if (whole === undefined) kept.set(tokenIds, writer.copy(start));
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
