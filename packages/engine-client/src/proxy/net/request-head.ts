import { EngineError } from "../../engine-error.ts";
import type { ProxyRequest } from "../../engine.ts";
import { FIELD_VALUE, TOKEN } from "../../header-syntax.ts";
import { requestHeadersToForward } from "../hop-by-hop.ts";

const TARGET = /^(?:\/|\*$)[\u0021-\u007e\u0080-\u00ff]*$/;
/** Methods for which no body means that there is none, not that it is empty. */
const BODYLESS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "DELETE", "TRACE"]);

/**
 * The head of a request as latin1 text, with its empty line. Throws an EngineError `internal`, not started, when a part
 * of it would break the message.
 */
export function requestHead(request: ProxyRequest, address: string): string {
  const { method, path, body } = request;
  if (!TOKEN.test(method)) throw unsendable(`its method ${JSON.stringify(method)}`);
  if (!TARGET.test(path)) throw unsendable("its path");
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${address}\r\n`;
  const headers = requestHeadersToForward(request.headers);
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string;
    const value = headers[index + 1] as string;
    if (!TOKEN.test(name) || !FIELD_VALUE.test(value)) throw unsendable(`its header ${JSON.stringify(name)}`);
    text += `${name}: ${value}\r\n`;
  }
  if (body instanceof Uint8Array) text += `content-length: ${body.length}\r\n`;
  else if (body?.lengthBytes !== undefined) text += `content-length: ${body.lengthBytes}\r\n`;
  else if (body !== undefined) text += "transfer-encoding: chunked\r\n";
  else if (!BODYLESS.has(method)) text += "content-length: 0\r\n";
  return `${text}\r\n`;
}

function unsendable(what: string): EngineError {
  return new EngineError("internal", `the request cannot be sent: ${what} is not valid in HTTP`, {
    notStarted: true,
  });
}
