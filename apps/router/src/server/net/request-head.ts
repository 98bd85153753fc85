import type { IncomingHttpHeaders } from "node:http";

/** What a request's head says. */
export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** HTTP/1.0 or HTTP/1.1. */
  readonly minorVersion: 0 | 1;
  /** Name, value, name, value …, as received. */
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingHttpHeaders;
  /** Length of the body; undefined for one in chunks. */
  readonly lengthBytes: number | undefined;
  /** The connection may carry another request. */
  readonly keepsAlive: boolean;
  /** The client waits for a word before it sends the body. */
  readonly expectsContinue: boolean;
  /** The client would go on in another protocol. */
  readonly asksUpgrade: boolean;
}

/** A request that is no HTTP, or more of it than is taken; answered with its status, then the connection is closed. */
export class BadRequestError extends Error {
  override readonly name = "BadRequestError";
  readonly status: number;

  constructor(status: number, what: string) {
    super(what);
    this.status = status;
  }
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\u0021-\u007e\u0080-\u00ff]+) HTTP\/1\.([01])$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Control characters have no place in a value; bytes above ASCII do. */
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;
const DIGITS = /^\d{1,15}$/;
/** Headers of which the first counts, as in Node. */
const FIRST_COUNTS: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "content-type",
  "etag",
  "expires",
  "from",
  "if-modified-since",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "proxy-authorization",
  "referer",
  "retry-after",
  "server",
  "user-agent",
]);

/** Reads a head without its empty line. @throws BadRequestError for what is doubtful: a wrong guess about where a request ends would let one client speak for another */
export function parseRequestHead(text: string, maxHeaderCount: number): RequestHead {
  const lineEnd = text.indexOf("\r\n");
  const line = REQUEST_LINE.exec(lineEnd < 0 ? text : text.slice(0, lineEnd));
  if (line === null) {
    throw new BadRequestError(400, "the request line is malformed");
  }
  const headers: Record<string, string | string[]> = { __proto__: null } as never;
  const rawHeaders: string[] = [];
  let position = lineEnd < 0 ? text.length : lineEnd + 2;
  while (position < text.length) {
    const next = text.indexOf("\r\n", position);
    const end = next < 0 ? text.length : next;
    const colon = text.indexOf(":", position);
    if (colon < 0 || colon >= end) {
      throw new BadRequestError(400, "a header has no colon");
    }
    const name = text.slice(position, colon);
    const value = trimmed(text, colon + 1, end);
    // Neither a line that goes on from the one before, nor a lone CR or LF passes these.
    if (!NAME.test(name) || !VALUE.test(value)) {
      throw new BadRequestError(400, "a header is malformed");
    }
    rawHeaders.push(name, value);
    add(headers, name.toLowerCase(), value);
    position = end + 2;
  }
  if (rawHeaders.length > maxHeaderCount * 2) {
    throw new BadRequestError(431, "there are too many headers");
  }
  const minorVersion = line[3] === "1" ? 1 : 0;
  return headOf({ method: line[1] as string, target: line[2] as string, minorVersion }, rawHeaders, headers);
}

function headOf(
  line: Pick<RequestHead, "method" | "target" | "minorVersion">,
  rawHeaders: readonly string[],
  headers: IncomingHttpHeaders,
): RequestHead {
  const connection = headers.connection?.toLowerCase() ?? "";
  if (line.minorVersion === 1 && headers.host === undefined) {
    throw new BadRequestError(400, "there is no host");
  }
  return {
    ...line,
    rawHeaders,
    headers,
    lengthBytes: bodyLength(line.minorVersion, headers),
    keepsAlive:
      connection === ""
        ? line.minorVersion === 1
        : line.minorVersion === 1
          ? !hasToken(connection, "close")
          : hasToken(connection, "keep-alive"),
    expectsContinue: line.minorVersion === 1 && expectsContinue(headers.expect),
    asksUpgrade: connection !== "" && headers.upgrade !== undefined && hasToken(connection, "upgrade"),
  };
}

/** RFC 9112 §6.3. @returns undefined for a body in chunks */
function bodyLength(minorVersion: 0 | 1, headers: IncomingHttpHeaders): number | undefined {
  const coding = headers["transfer-encoding"];
  const length = headers["content-length"];
  if (coding !== undefined) {
    if (length !== undefined || minorVersion === 0 || coding.toLowerCase() !== "chunked") {
      throw new BadRequestError(400, "the end of the body is not clear");
    }
    return undefined;
  }
  if (length === undefined) {
    return 0;
  }
  // Also a length that was given twice, which has been joined with a comma.
  if (!DIGITS.test(length)) {
    throw new BadRequestError(400, "the length of the body is not clear");
  }
  return Number(length);
}

function expectsContinue(expect: string | undefined): boolean {
  if (expect === undefined) {
    return false;
  }
  if (expect.toLowerCase() !== "100-continue") {
    throw new BadRequestError(417, "the client expects what is not known here");
  }
  return true;
}

function add(headers: Record<string, string | string[]>, name: string, value: string): void {
  const before = headers[name];
  if (name === "set-cookie") {
    headers[name] = [...((before as string[] | undefined) ?? []), value];
  } else if (before === undefined) {
    headers[name] = value;
  } else if (name === "host") {
    throw new BadRequestError(400, "there is more than one host");
  } else if (!FIRST_COUNTS.has(name)) {
    headers[name] = `${before as string}${name === "cookie" ? "; " : ", "}${value}`;
  }
}

function hasToken(list: string, token: string): boolean {
  return list === token || list.split(",").some((item) => item.trim() === token);
}

/** Without the blanks around; other white space is no part of HTTP. */
function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) {
    from++;
  }
  while (to > from && isBlank(text.charCodeAt(to - 1))) {
    to--;
  }
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
