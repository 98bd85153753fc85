import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";

/** A message with its gRPC prefix. */
export function grpcFrame(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** The messages in the body of a response. */
export function grpcMessages(body: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let offset = 0; offset < body.length;) {
    const end = offset + 5 + body.readUInt32BE(offset + 1);
    messages.push(body.subarray(offset + 5, end));
    offset = end;
  }
  return messages;
}

/** Opens a call by hand; nothing of the answer is read until the caller does. */
export function openCall(
  session: ClientHttp2Session,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  stream.end(body);
  return stream;
}

/** Reads a call to its end: headers and trailers together. */
export function finishCall(stream: ClientHttp2Stream): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve, reject) => {
    const seen: Record<string, unknown> = {};
    stream.on("response", (response) => Object.assign(seen, response));
    stream.on("trailers", (trailers) => Object.assign(seen, trailers));
    stream.on("close", () => resolve(seen));
    stream.on("error", reject);
    stream.resume();
  });
}
