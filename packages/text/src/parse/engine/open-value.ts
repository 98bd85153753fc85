import { dumpJson, PLAIN_JSON } from "../../template/python/json-dump.ts";

/** A text value whose end has not come: what the JSON has of it, and what is held back at its end. */
export interface OpenValue {
  readonly text: string;
  /** Raw text behind it that belongs to it only when more follows, such as a line break before the closing mark. */
  readonly tail: string;
}

/** A mark that may be on its way: then the next piece can end the value. */
const MARK_BEGUN = /^<[\s/]*(?:[ap][a-z_]*(?:[\s=][^>]*)?)?$/i;

/**
 * A long text argument as it grows. As long as no mark can be in sight, what a piece adds to the JSON is known without reading
 * the arguments from their beginning again.
 */
export class GrowingText {
  private readonly trimsBreak: boolean;
  private tail: string;

  private constructor(trimsBreak: boolean, tail: string) {
    this.trimsBreak = trimsBreak;
    this.tail = tail;
  }

  /**
   * Undefined where the next piece has to be read with all that came before.
   * @param state raw arguments, their JSON, and as much of it as is certain
   */
  static of(
    state: { readonly raw: string; readonly json: string; readonly stable: string },
    open: OpenValue | undefined,
    trimsBreak: boolean,
  ): GrowingText | undefined {
    if (open === undefined || open.text === "") return undefined;
    const { raw, json, stable } = state;
    const isLast = json.endsWith(`${dumpJson(open.text, PLAIN_JSON)}}`) && stable.length === json.length - 2;
    const angle = raw.lastIndexOf("<");
    const mayEnd = angle !== -1 && MARK_BEGUN.test(raw.slice(angle));
    return isLast && !mayEnd ? new GrowingText(trimsBreak, open.tail) : undefined;
  }

  /** What a piece adds to the JSON; undefined where it may hold a mark. */
  add(piece: string): string | undefined {
    if (piece.includes("<")) return undefined;
    const all = this.tail + piece;
    this.tail = this.trimsBreak && all.endsWith("\n") ? "\n" : "";
    const shown = all.slice(0, all.length - this.tail.length);
    return dumpJson(shown, PLAIN_JSON).slice(1, -1);
  }
}
