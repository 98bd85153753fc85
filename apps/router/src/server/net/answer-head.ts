import { RouterError } from "../../router-error.ts";
import { nodeHttp } from "../node-http.ts";
import { HEADER_NAME, HEADER_VALUE } from "./head-syntax.ts";
import { httpDate } from "./http-date.ts";

/** What becomes of the connection after an answer, and how long it may then be idle. */
export type Persistence = { readonly keepAliveSecs: number } | "close";

/** How the end of an answer's body is told. */
export interface AnswerFraming {
  /** Length that the headers give; undefined where they give none. */
  readonly lengthBytes: number | undefined;
  /** The headers tell the instant of the answer. */
  readonly hasDate: boolean;
}

/** One `name: value` line for every header. @throws RouterError `internal` for one that would break the message */
export function headerLines(headers: readonly string[]): string {
  let text = "";
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    const value = headers[index + 1] as string;
    if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value)) {
      throw new RouterError("internal", `the header ${JSON.stringify(name)} is not valid in HTTP`);
    }
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

/** What headers say about the body. */
export function framingOf(headers: readonly string[]): AnswerFraming {
  let lengthBytes: number | undefined;
  let hasDate = false;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    if (name.length === 14 && name.toLowerCase() === "content-length") {
      lengthBytes = Number(headers[index + 1]);
    } else if (name.length === 4 && name.toLowerCase() === "date") {
      hasDate = true;
    }
  }
  return { lengthBytes, hasDate };
}

/** Whether an answer has a body at all. */
export function hasBody(status: number, method: string): boolean {
  return method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
}

/** First line of an answer. */
export function statusLine(status: number): string {
  return `HTTP/1.1 ${status} ${nodeHttp.STATUS_CODES[status] ?? "unknown"}\r\n`;
}

/** The lines that are the server's own, and the empty one. */
export function closingLines(
  persistence: Persistence,
  options: { readonly hasDate: boolean; readonly isChunked: boolean },
): string {
  const date = options.hasDate ? "" : `Date: ${httpDate(Date.now())}\r\n`;
  const connection =
    persistence === "close"
      ? "Connection: close\r\n"
      : `Connection: keep-alive\r\nKeep-Alive: timeout=${persistence.keepAliveSecs}\r\n`;
  return `${date}${connection}${options.isChunked ? "Transfer-Encoding: chunked\r\n" : ""}\r\n`;
}
