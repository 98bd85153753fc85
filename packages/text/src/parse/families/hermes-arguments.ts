import { parseJson } from "../../template/python/parse-json.ts";
import { strip } from "../../template/python/whitespace.ts";
import { ObjectEnd } from "../json/object-end.ts";
import { tagOverlap } from "../tag-overlap.ts";

const CLOSE = "</tool_call>";

/** What a call is as far as its text has come. */
export interface BegunCall {
  /** The call without white space around it, as far as it can be no part of a closing tag. */
  readonly body: string;
  /** What is held back behind the body. */
  readonly held: string;
  /** Where in the body the arguments begin. */
  readonly from: number;
  /** How much of them has been told. */
  readonly told: number;
}

/** What a piece adds to the arguments of a call. */
export interface MoreArguments {
  readonly text: string;
  /** Text behind the closing tag; undefined where there is none yet. */
  readonly rest: string | undefined;
}

/** The arguments of an open call: each character is looked at once, however long they become. */
export class HermesArguments {
  private readonly end = new ObjectEnd();
  /** The body so far, in pieces, until its object has ended. */
  private pieces: string[] = [];
  private state: "open" | "whole" | "broken" = "open";
  /** Text that has not been told. */
  private pending: string;
  /** Units at the end of `pending` that may be part of a closing tag. */
  private held: number;

  constructor({ body, held, from, told }: BegunCall) {
    this.pending = body.slice(from + told) + held;
    this.held = held.length;
    this.follow(body);
  }

  /** Takes the next piece of text. */
  push(text: string): MoreArguments {
    const unread = this.pending.length - this.held;
    this.pending += text;
    const close = this.pending.indexOf(CLOSE);
    if (close !== -1) {
      const rest = this.pending.slice(close + CLOSE.length);
      return { text: withoutBrace(this.pending.slice(0, close)), rest };
    }
    this.held = tagOverlap(this.pending, CLOSE);
    this.follow(this.pending.slice(unread, this.pending.length - this.held));
    const body = strip(this.pending.slice(0, this.pending.length - this.held), "right");
    const told = this.state === "whole" ? withoutBrace(body) : body;
    this.pending = this.pending.slice(told.length);
    return { text: told, rest: undefined };
  }

  /** Finds out whether the body is one object of JSON. */
  private follow(text: string): void {
    if (this.state !== "open") {
      if (strip(text, "both") !== "") this.state = "broken";
      return;
    }
    this.pieces.push(text);
    const end = this.end.feed(text);
    if (end === -1) return;
    const body = this.pieces.join("");
    this.pieces = [];
    this.state = parseJson(strip(body, "both")) === undefined ? "broken" : "whole";
  }
}

/** A text without the brace that closes the call, where that is at its end. */
function withoutBrace(text: string): string {
  const trimmed = strip(text, "right");
  return trimmed.endsWith("}") ? strip(trimmed.slice(0, -1), "right") : trimmed;
}
