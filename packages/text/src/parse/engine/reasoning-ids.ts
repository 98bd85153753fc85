import type { PreparedFormat } from "./prepared-format.ts";

/** Whether the reasoning is over behind these ids (a prompt): what the last mark of the current turn says. */
export function endsReasoning(format: PreparedFormat, tokenIds: ArrayLike<number>): boolean {
  const start = format.source.transitions.get(`${format.initialState} THINK_START`);
  for (let at = tokenIds.length - 1; at >= 0; at--) {
    const id = tokenIds[at] as number;
    if (format.reasoningEndIds.has(id)) return true;
    if (id === format.thinkStartId) {
      if (start?.next === "reasoning") return false;
      break;
    }
    if (format.turnBoundaryIds.has(id)) break;
  }
  return !waitsForReasoning(format);
}

/** The ids of an output behind the end of the reasoning; a mark that is content itself belongs to them. */
export function idsOfContent(format: PreparedFormat, tokenIds: readonly number[]): readonly number[] {
  if (!waitsForReasoning(format)) return tokenIds;
  const end = format.thinkEndId === undefined ? -1 : tokenIds.lastIndexOf(format.thinkEndId);
  if (end >= 0) return tokenIds.slice(end + 1);
  const turn = tokenIds.findLastIndex((id) => format.turnBoundaryIds.has(id));
  const at = tokenIds.findIndex((id, index) => index > turn && format.reasoningEndIds.has(id));
  return at === -1 ? tokenIds : tokenIds.slice(at);
}

function waitsForReasoning(format: PreparedFormat): boolean {
  return format.source.waitsForReasoning ?? format.initialState === "reasoning";
}
