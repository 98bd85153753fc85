import type { DeclaredTool } from "../output-parser.ts";
import { propertiesOf, typedArguments } from "../typed-arguments.ts";
import { stablePrefix } from "./argument-prefix.ts";
import type { CallSlot } from "./call-slot.ts";
import { GrowingText } from "./open-value.ts";
import type { OutputFormat } from "./output-format.ts";

/** Streams the arguments of calls as JSON of the types the tools want, as far as it is certain. */
export class ArgumentStream {
  private readonly format: OutputFormat;
  private readonly tools: readonly DeclaredTool[];

  constructor(format: OutputFormat, tools: readonly DeclaredTool[]) {
    this.format = format;
    this.tools = tools;
  }

  /** What a piece of raw arguments, already in the slot, adds to the JSON streamed so far; undefined for nothing. */
  add(slot: CallSlot, piece: string): string | undefined {
    const { toArguments, structuralCharacters } = this.format;
    if (toArguments === undefined) return piece;
    if (structuralCharacters !== undefined && ![...structuralCharacters].some((one) => piece.includes(one))) {
      return undefined;
    }
    const more = slot.growing?.add(piece);
    if (more !== undefined) {
      slot.streamed += more;
      return more;
    }
    slot.growing = undefined;
    const made = toArguments(slot.raw, true);
    if (made === undefined || made === "") return undefined;
    const json = this.typed(made, slot.name);
    const stable = stablePrefix(json, slot.textKeys);
    const added = stable === "" || stable === slot.streamed ? undefined : grow(slot, stable);
    if (stable === slot.streamed) slot.growing = this.growingText(slot.raw, json, stable);
    return added;
  }

  /** What the end of the call adds. */
  end(slot: CallSlot): string | undefined {
    const made = this.format.toArguments?.(slot.raw, false);
    if (made === undefined || made === "") return undefined;
    const json = this.typed(made, slot.name);
    return json.length > slot.streamed.length ? grow(slot, json) : undefined;
  }

  /** Arguments with every value of the type its schema wants. */
  typed(json: string, name: string): string {
    return name === "" ? json : typedArguments(json, propertiesOf(this.tools, name));
  }

  private growingText(raw: string, json: string, stable: string): GrowingText | undefined {
    const { openValue, trimsBreakBehindValue = false } = this.format;
    return openValue && GrowingText.of({ raw, json, stable }, openValue(raw), trimsBreakBehindValue);
  }
}

/** Undefined where what has been streamed is no beginning of it: then nothing can be said any more. */
function grow(slot: CallSlot, json: string): string | undefined {
  if (!json.startsWith(slot.streamed)) return undefined;
  const added = json.slice(slot.streamed.length);
  slot.streamed = json;
  return added;
}
