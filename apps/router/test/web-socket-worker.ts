import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

/** A worker that serves a model over HTTP and speaks just enough WebSocket for tests. */
export interface WebSocketWorker extends AsyncDisposable {
  readonly url: string;
  /** Requests for WebSocket as they came. */
  readonly upgrades: readonly IncomingMessage[];
  /** Sockets that speak WebSocket now. */
  readonly openSockets: number;
  /** Refuses with this status instead of accepting. */
  refusal: number | undefined;
  /** Stops reading what clients send. */
  isDeaf: boolean;
  /** Sends a text to everybody. */
  send(text: string): void;
  /** Cuts every WebSocket. */
  cut(): void;
}

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TEXT = 0x1;
const CLOSE = 0x8;

/** Starts a worker that says every text again, and closes with the code it is closed with. */
export async function startWebSocketWorker(model: string): Promise<WebSocketWorker> {
  const upgrades: IncomingMessage[] = [];
  const sockets = new Set<Duplex>();
  const connections = new Set<Socket>();
  const models = JSON.stringify({ object: "list", data: [{ id: model, object: "model", root: model }] });
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(request.url === "/v1/models" ? models : '{"version":"0.32.0"}');
  });
  server.on("connection", (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  server.on("upgrade", (request, socket, first) => {
    upgrades.push(request);
    socket.on("error", () => socket.destroy());
    if (worker.refusal !== undefined) {
      const body = "no such thing";
      socket.end(
        `HTTP/1.1 ${worker.refusal} Refused\r\nX-Why: test\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      return;
    }
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}${GUID}`)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    sockets.add(socket);
    socket.on("end", () => socket.end());
    socket.once("close", () => sockets.delete(socket));
    if (!worker.isDeaf) {
      echo(socket, first);
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const worker: WebSocketWorker = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    upgrades,
    get openSockets() {
      return sockets.size;
    },
    refusal: undefined,
    isDeaf: false,
    send: (text) => {
      for (const socket of sockets) socket.write(frame(TEXT, Buffer.from(text)));
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of connections) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
  return worker;
}

/** Reads masked frames and answers each. */
function echo(socket: Duplex, first: Buffer): void {
  let buffered = first;
  const take = (): void => {
    for (;;) {
      const read = readFrame(buffered);
      if (read === undefined) return;
      buffered = buffered.subarray(read.sizeBytes);
      socket.write(frame(read.opcode, read.payload));
      if (read.opcode === CLOSE) socket.end();
    }
  };
  socket.on("data", (bytes: Buffer) => {
    buffered = Buffer.concat([buffered, bytes]);
    take();
  });
  take();
}

function readFrame(
  bytes: Buffer,
): { readonly opcode: number; readonly payload: Buffer; readonly sizeBytes: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] as number) & 0x7f;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const head = 2 + lengthBytes + 4;
  if (bytes.length < head) return undefined;
  const length =
    lengthBytes === 8 ? Number(bytes.readBigUInt64BE(2)) : lengthBytes === 2 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < head + length) return undefined;
  const mask = bytes.subarray(head - 4, head);
  const payload = Buffer.from(bytes.subarray(head, head + length));
  for (let at = 0; at < length; at++) payload[at] = (payload[at] as number) ^ (mask[at % 4] as number);
  return { opcode: (bytes[0] as number) & 0xf, payload, sizeBytes: head + length };
}

function frame(opcode: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (head.length === 2) head[1] = payload.length;
  else if (head.length === 4) {
    head[1] = 126;
    head.writeUInt16BE(payload.length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([head, payload]);
}
