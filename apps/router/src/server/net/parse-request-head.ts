import { HEADER_NAME, HEADER_VALUE } from "./head-syntax.ts";
import { BadRequestError, type HeadFacts, RequestHead } from "./request-head.ts";

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\u0021-\u007e\u0080-\u00ff]+) HTTP\/1\.([01])$/;
const DIGITS = /^\d{1,15}$/;
/** Headers of which the first counts, as in Node (which makes a list of `set-cookie`, that no request should have). */
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
  "set-cookie",
  "user-agent",
]);

/** Reads a head without its empty line. @throws BadRequestError for what is doubtful: a wrong guess about where a request ends would let one client speak for another */
export function parseRequestHead(text: string, maxHeaderCount: number): RequestHead {
  const lineEnd = text.indexOf("\r\n");
  const line = REQUEST_LINE.exec(lineEnd < 0 ? text : text.slice(0, lineEnd));
  if (line === null) {
    throw new BadRequestError(400, "the request line is malformed");
  }
  const byName: Record<string, string> = { __proto__: null } as never;
  const raw: string[] = [];
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
    if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value)) {
      throw new BadRequestError(400, "a header is malformed");
    }
    raw.push(name, value);
    add(byName, name.toLowerCase(), value);
    position = end + 2;
  }
  if (raw.length > maxHeaderCount * 2) {
    throw new BadRequestError(431, "there are too many headers");
  }
  const minorVersion = line[3] === "1" ? 1 : 0;
  return headOf({ method: line[1] as string, target: line[2] as string, minorVersion }, raw, byName);
}

function headOf(
  line: Pick<RequestHead, "method" | "target" | "minorVersion">,
  raw: readonly string[],
  byName: Readonly<Record<string, string>>,
): RequestHead {
  const connection = byName["connection"]?.toLowerCase() ?? "";
  if (line.minorVersion === 1 && byName["host"] === undefined) {
    throw new BadRequestError(400, "there is no host");
  }
  const facts: HeadFacts = {
    ...line,
    lengthBytes: bodyLength(line.minorVersion, byName),
    keepsAlive:
      connection === ""
        ? line.minorVersion === 1
        : line.minorVersion === 1
          ? !hasToken(connection, "close")
          : hasToken(connection, "keep-alive"),
    expectsContinue: line.minorVersion === 1 && expectsContinue(byName["expect"]),
    asksUpgrade: connection !== "" && byName["upgrade"] !== undefined && hasToken(connection, "upgrade"),
  };
  return new RequestHead(facts, { raw, byName });
}

/** RFC 9112 §6.3. @returns undefined for a body in chunks */
function bodyLength(minorVersion: 0 | 1, byName: Readonly<Record<string, string>>): number | undefined {
  const coding = byName["transfer-encoding"];
  const length = byName["content-length"];
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

function add(byName: Record<string, string>, name: string, value: string): void {
  const before = byName[name];
  if (before === undefined) {
    byName[name] = value;
  } else if (name === "host") {
    throw new BadRequestError(400, "there is more than one host");
  } else if (!FIRST_COUNTS.has(name)) {
    byName[name] = `${before}${name === "cookie" ? "; " : ", "}${value}`;
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
