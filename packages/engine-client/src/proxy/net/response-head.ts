import { EngineError } from "../../engine-error.ts";
import { FIELD_VALUE, TOKEN } from "../../header-syntax.ts";

/** How the end of a body is found. */
export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly sizeBytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "until-close" };

/** Head of an answer. */
export interface ResponseHead {
  readonly status: number;
  /** Name, value, name, value …, as received. */
  readonly headers: readonly string[];
  readonly framing: BodyFraming;
  /** The connection may be used again after this answer. */
  readonly keepsAlive: boolean;
  /** Seconds after which the server closes an idle connection, where it says so. */
  readonly keepAliveSecs: number | undefined;
}

const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: [^\r\n]*)?$/;
const DIGITS = /^\d{1,15}$/;
const NONE: BodyFraming = { kind: "none" };
const CHUNKED: BodyFraming = { kind: "chunked" };
const UNTIL_CLOSE: BodyFraming = { kind: "until-close" };

/** Headers that decide where the body ends and what becomes of the connection. */
class Framing {
  length: string | undefined;
  isChunked = false;
  connection = "";
  keepAlive = "";

  take(name: string, value: string): void {
    switch (name) {
      case "content-length":
        // Proxies in between may have repeated it, but it must always say the same.
        if (!DIGITS.test(value) || (this.length ?? value) !== value) throw malformed("has no clear length");
        this.length = value;
        break;
      case "transfer-encoding":
        if (value.toLowerCase() !== "chunked" || this.isChunked)
          throw malformed(`has the transfer encoding ${JSON.stringify(value)}`);
        this.isChunked = true;
        break;
      case "connection":
        this.connection += `,${value.toLowerCase()}`;
        break;
      case "keep-alive":
        this.keepAlive = value;
        break;
      default:
    }
  }
}

/**
 * Reads the head of an answer without its empty line. Throws an EngineError `protocol` when it is not valid HTTP/1: what
 * is doubtful is refused, because a wrong guess about the end of a body would give one client the answer of another.
 */
export function parseResponseHead(text: string, method: string): ResponseHead {
  const lineEnd = text.indexOf("\r\n");
  const match = STATUS_LINE.exec(lineEnd < 0 ? text : text.slice(0, lineEnd));
  if (match === null) throw malformed("does not begin with a status");
  const status = Number(match[2]);
  const headers: string[] = [];
  const framing = new Framing();
  let position = lineEnd < 0 ? text.length : lineEnd + 2;
  while (position < text.length) {
    const next = text.indexOf("\r\n", position);
    const end = next < 0 ? text.length : next;
    const colon = text.indexOf(":", position);
    const name = text.slice(position, colon);
    const value = text.slice(colon + 1, end).trim();
    if (colon < 0 || colon >= end || !TOKEN.test(name) || !FIELD_VALUE.test(value))
      throw malformed("has a malformed header");
    headers.push(name, value);
    framing.take(name.toLowerCase(), value);
    position = end + 2;
  }
  const isPersistent =
    match[1] === "1" ? !framing.connection.includes("close") : framing.connection.includes("keep-alive");
  const body = framingOf({ status, method, framing });
  return {
    status,
    headers,
    framing: body,
    keepsAlive: isPersistent && body.kind !== "until-close",
    keepAliveSecs: keepAliveSecs(framing.keepAlive),
  };
}

/** RFC 9112 §6.3. */
function framingOf(answer: {
  readonly status: number;
  readonly method: string;
  readonly framing: Framing;
}): BodyFraming {
  const { status, method, framing } = answer;
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return NONE;
  if (framing.isChunked) {
    if (framing.length !== undefined) throw malformed("has both a length and chunks");
    return CHUNKED;
  }
  return framing.length === undefined ? UNTIL_CLOSE : { kind: "length", sizeBytes: Number(framing.length) };
}

function keepAliveSecs(value: string): number | undefined {
  const match = /(?:^|[,\s])timeout=(\d{1,6})/i.exec(value);
  return match === null ? undefined : Number(match[1]);
}

/** The error for an answer that is not HTTP as it should be. */
export function malformed(what: string): EngineError {
  return new EngineError("protocol", `the engine's answer is not valid HTTP: it ${what}`);
}
