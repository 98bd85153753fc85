import { callArguments, type ToolCallDraft } from "../delta-draft.ts";

/** The names of calls in JSON that may be cut short. */
const CALL_NAME = /"name"\s*:\s*"([^"]+)"/g;
const EMPTY_ARGUMENTS = /"name"\s*:\s*"[^"]+"\s*,\s*"arguments"\s*:\s*\{\s*\}/;
/** Arguments of calls, with objects in them one level deep. */
const ARGUMENTS = /"name"\s*:\s*"[^"]+"\s*,\s*"arguments"\s*:\s*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})/g;

interface ToldCall {
  isNamed: boolean;
  /** Arguments told so far; undefined before the first of them. */
  told: string | undefined;
}

/** Text that calls are told from, and what of it the arguments of a call are. */
export interface CallListSource {
  readonly text: string;
  /** Refines the arguments that the pattern finds of a call. */
  readonly argumentsOf: (match: RegExpExecArray, index: number, count: number) => string;
  readonly makeId: (index: number) => string;
}

/**
 * Tells the calls of a JSON list one piece at a time, each push one: a name, the opening brace of the arguments, then all of
 * the arguments once they are whole. Arguments with objects two levels deep are never found and never told; a call without
 * arguments anywhere in the list makes `{}` of the current one. Hunyuan and xLAM are streamed so by vLLM.
 */
export class CallListStream {
  private readonly calls: ToldCall[] = [];
  private current = -1;

  /** The next piece, undefined where there is none to tell yet. */
  next(source: CallListSource): ToolCallDraft | undefined {
    const names = [...source.text.matchAll(CALL_NAME)];
    const count = names.length;
    if (count === 0) return undefined;
    while (this.calls.length < count) this.calls.push({ isNamed: false, told: undefined });
    const following = this.calls[this.current + 1];
    const name = names[this.current + 1]?.[1];
    if (this.current < count - 1 && following?.isNamed === false && name !== undefined) {
      this.current++;
      following.isNamed = true;
      return { index: this.current, id: source.makeId(this.current), name, arguments: undefined };
    }
    return this.arguments(source, count);
  }

  private arguments(source: CallListSource, count: number): ToolCallDraft | undefined {
    const index = this.current;
    const call = this.calls[index];
    if (call === undefined || index >= count) return undefined;
    const empty = EMPTY_ARGUMENTS.exec(source.text);
    if (empty !== null && empty.index > 0 && call.told === undefined) {
      call.told = "{}";
      if (index < count - 1) this.current++;
      return callArguments(index, "{}");
    }
    const match = [...source.text.matchAll(ARGUMENTS)][index];
    if (match === undefined) return undefined;
    const text = source.argumentsOf(match, index, count);
    if (call.told === undefined && text.startsWith("{")) {
      call.told = "{";
      return callArguments(index, "{");
    }
    const told = call.told ?? "";
    if (text.startsWith(told) && text.length > told.length) {
      call.told = text;
      return callArguments(index, text.slice(told.length));
    }
    if (text.endsWith("}") && text === told && index < count - 1) this.current++;
    return undefined;
  }
}
