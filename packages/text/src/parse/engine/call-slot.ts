import type { ToolCallDraft } from "../delta-draft.ts";
import type { GrowingText } from "./open-value.ts";

/** What is known of one call while it arrives. */
export interface CallSlot {
  id: string;
  name: string;
  nameSent: boolean;
  /** Raw text of the arguments. */
  raw: string;
  /** JSON of the arguments that has been streamed. */
  streamed: string;
  /** Keys whose open values may be streamed; undefined for all. */
  textKeys: ReadonlySet<string> | undefined;
  /** The argument at the end, while it is a text that only grows. */
  growing: GrowingText | undefined;
}

/** An empty slot. */
export function emptySlot(): CallSlot {
  return {
    id: "",
    name: "",
    nameSent: false,
    raw: "",
    streamed: "",
    textKeys: undefined,
    growing: undefined,
  };
}

/** One piece per call, in the order in which the calls appear. */
export function mergedByCall(pieces: readonly ToolCallDraft[]): ToolCallDraft[] {
  const byIndex = new Map<number, ToolCallDraft>();
  for (const piece of pieces) {
    const known = byIndex.get(piece.index);
    if (known === undefined) {
      byIndex.set(piece.index, piece);
      continue;
    }
    known.id ??= piece.id;
    known.name ??= piece.name;
    if (piece.arguments !== undefined) known.arguments = (known.arguments ?? "") + (piece.arguments ?? "");
  }
  return [...byIndex.values()];
}
