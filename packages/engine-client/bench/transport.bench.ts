// What a stream of 64 tokens costs over each transport, and over each client of HTTP engines: processor time of this
// process, a server that sends bytes prepared beforehand included. Run from the package:
//   node --conditions=@vllm-router/source bench/transport.bench.ts
import { type AddressInfo, createServer, type Server } from "node:net";
import { connectEngine, type GenerateSink, type ProxySink } from "../src/index.ts";
import { chunk, complete, frame } from "../test/engine-messages.ts";
import { HEAD_BLOCK, numbers, OK_BLOCK, rawFrame, settingsFrame } from "../test/frame-engine.ts";
import { sampleRequest } from "../test/sample-request.ts";

const TOKENS = 64;
const AT_ONCE = 32;
const ROUNDS = 60;
const REQUEST = sampleRequest({ tokenIds: new Int32Array(128).fill(1000) });

/** Frames of an answer, a DATA frame per token as an engine sends them. */
const FRAMES: readonly Buffer[] = [
  rawFrame(1, { flags: 4 }, HEAD_BLOCK),
  ...Array.from({ length: TOKENS }, (_, token) =>
    rawFrame(0, {}, frame(chunk({ tokenIds: [token + 10_000] }))),
  ),
  rawFrame(0, {}, frame(complete({ tokenIds: [10_063] }))),
  rawFrame(1, { flags: 5 }, OK_BLOCK),
];
const ANSWER = Buffer.concat(FRAMES);

/** The answer with the stream's id in every frame, so that the server costs next to nothing. */
function answer(streamId: number): Buffer {
  const bytes = Buffer.from(ANSWER);
  let position = 0;
  for (const { length } of FRAMES) {
    bytes.writeUInt32BE(streamId, position + 5);
    position += length;
  }
  return bytes;
}

/** A server that answers every stream whose request is whole, knowing nothing but where frames end. */
function grpcServer(): Server {
  return createServer((socket) => {
    socket.on("error", () => undefined);
    // Requests are small; the window of the connection must never be what is measured.
    socket.write(Buffer.concat([settingsFrame(), rawFrame(8, {}, numbers(0x7000_0000))]));
    let rest: Buffer = Buffer.alloc(0);
    let isGreeted = false;
    socket.on("data", (bytes: Buffer) => {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      let position = isGreeted ? 0 : 24;
      isGreeted = true;
      while (rest.length - position >= 9 && rest.length - position >= 9 + rest.readUIntBE(position, 3)) {
        const isEnd = rest[position + 3] === 0 && ((rest[position + 4] as number) & 1) === 1;
        if (rest[position + 3] === 4 && rest[position + 4] === 0) socket.write(rawFrame(4, { flags: 1 }));
        if (isEnd) socket.write(answer(rest.readUInt32BE(position + 5)));
        position += 9 + rest.readUIntBE(position, 3);
      }
      rest = rest.subarray(position);
    });
  });
}

/** An HTTP/1.1 server that answers every read with a stream of events, a chunk each. */
function httpServer(): Server {
  const event = `data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":" token"}}]}\n\n`;
  const chunks = `${event.length.toString(16)}\r\n${event}\r\n`.repeat(TOKENS);
  const body = Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
  );
  return createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", () => socket.write(body));
  });
}

/** Starts a call that resolves at its end. */
type Start = () => Promise<void>;

async function measure(name: string, start: Start): Promise<void> {
  const round = async (): Promise<void> => {
    await Promise.all(Array.from({ length: AT_ONCE }, start));
  };
  for (let warm = 0; warm < ROUNDS; warm++) await round();
  const costs: number[] = [];
  for (let index = 0; index < ROUNDS; index++) {
    const before = process.cpuUsage();
    await round();
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / AT_ONCE);
  }
  costs.sort((a, b) => a - b);
  const figures = [0, ROUNDS / 4, ROUNDS / 2].map((at) => (costs[at] as number).toFixed(0));
  process.stdout.write(`${name.padEnd(24)} us per stream: best ${figures.join(", quarter ")}\n`);
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

for (const transport of ["net", "http2", "grpc-js"] as const) {
  const server = grpcServer();
  const address = await listening(server);
  const connection = connectEngine({ dialect: "vllm-engine", address, secure: false }, { transport });
  if (connection.dialect !== "vllm-engine") throw new Error(connection.dialect);
  const { engine } = connection;
  await measure(`gRPC over ${transport}`, async () => {
    await new Promise<void>((end, error) => {
      const nothing = (): void => undefined;
      const sink: GenerateSink = { output: nothing, finish: nothing, flush: nothing, end, error };
      engine.generate(REQUEST, sink);
    });
  });
  await connection.close();
  server.close();
}

for (const httpClient of ["net", "undici"] as const) {
  const server = httpServer();
  const address = await listening(server);
  const connection = connectEngine({ dialect: "http", address, secure: false }, { httpClient });
  if (connection.dialect !== "http") throw new Error(connection.dialect);
  const { engine } = connection;
  const request = {
    method: "POST",
    path: "/v1/chat/completions",
    headers: ["content-type", "application/json"],
    body: Buffer.alloc(350, " "),
    deadlineAtMs: undefined,
  };
  await measure(`HTTP over ${httpClient}`, async () => {
    await new Promise<void>((end, error) => {
      const nothing = (): void => undefined;
      const sink: ProxySink = { head: nothing, data: nothing, flush: nothing, end, error };
      engine.forward(request, sink);
    });
  });
  await connection.close();
  server.close();
}
