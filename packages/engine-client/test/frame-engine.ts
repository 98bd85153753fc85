import { type AddressInfo, createServer, type Socket } from "node:net";
import { waitUntil } from "./wait-until.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** A frame as a client sent it. */
export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

/** One connection to a {@link FrameEngine}. */
export interface FrameConnection {
  readonly socket: Socket;
  readonly frames: readonly SeenFrame[];
  send(...frames: Buffer[]): void;
  /** Waits for the n-th frame of a type (0 is the first) and returns it. */
  seen(type: number, n?: number): Promise<SeenFrame>;
}

/** An HTTP/2 server that sends the bytes a test wants, right or wrong, and remembers what it is sent. */
export interface FrameEngine extends AsyncDisposable {
  readonly address: string;
  readonly connections: readonly FrameConnection[];
  readonly openSockets: number;
}

/** Starts a server on 127.0.0.1; `accept` hears every connection, `hear` every frame. */
export async function startFrameEngine(script: {
  readonly accept?: (connection: FrameConnection) => void;
  readonly hear?: (frame: SeenFrame, connection: FrameConnection) => void;
}): Promise<FrameEngine> {
  const connections: FrameConnection[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const frames: SeenFrame[] = [];
    const connection: FrameConnection = {
      socket,
      frames,
      send: (...sent) => void socket.write(Buffer.concat(sent)),
      seen: async (type, n = 0) => {
        const find = (): SeenFrame | undefined => frames.filter((frame) => frame.type === type)[n];
        await waitUntil(() => find() !== undefined, `frame ${n} of type ${type}`);
        return find() as SeenFrame;
      },
    };
    connections.push(connection);
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    let rest = Buffer.alloc(0);
    let isGreeted = false;
    socket.on("data", (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      if (!isGreeted) {
        if (rest.length < PREFACE.length) return;
        isGreeted = rest.toString("latin1", 0, PREFACE.length) === PREFACE;
        if (!isGreeted) throw new Error("the client did not begin with the preface");
        rest = rest.subarray(PREFACE.length);
      }
      while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
        const end = 9 + rest.readUIntBE(0, 3);
        const frame: SeenFrame = {
          type: rest[3] as number,
          flags: rest[4] as number,
          streamId: rest.readUInt32BE(5),
          payload: Buffer.from(rest.subarray(9, end)),
        };
        rest = rest.subarray(end);
        frames.push(frame);
        script.hear?.(frame, connection);
      }
    });
    script.accept?.(connection);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    connections,
    get openSockets() {
      return sockets.size;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Any frame. */
export function rawFrame(
  type: number,
  at: { readonly flags?: number; readonly streamId?: number },
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = at.flags ?? 0;
  head.writeUInt32BE(at.streamId ?? 0, 5);
  return Buffer.concat([head, payload]);
}

/** A SETTINGS frame. */
export function settingsFrame(values: readonly (readonly [setting: number, value: number])[] = []): Buffer {
  const payload = Buffer.alloc(values.length * 6);
  for (const [index, [setting, value]] of values.entries()) {
    payload.writeUInt16BE(setting, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return rawFrame(4, {}, payload);
}

/** 32-bit numbers as a payload. */
export function numbers(...values: readonly number[]): Buffer {
  const payload = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) payload.writeUInt32BE(value, index * 4);
  return payload;
}

/** `:status 200` and `content-type: application/grpc`. */
export const HEAD_BLOCK: Buffer = Buffer.concat([
  Buffer.of(0x88, 0x0f, 0x10, 16),
  Buffer.from("application/grpc"),
]);
/** `grpc-status: 0`. */
export const OK_BLOCK: Buffer = Buffer.concat([
  Buffer.of(0, 11),
  Buffer.from("grpc-status"),
  Buffer.of(1, 0x30),
]);

/** The frames of a whole answer: head, data, trailers with status 0. */
export function answerFrames(streamId: number, data: Buffer): Buffer {
  return Buffer.concat([
    rawFrame(1, { flags: 0x4, streamId }, HEAD_BLOCK),
    rawFrame(0, { streamId }, data),
    rawFrame(1, { flags: 0x5, streamId }, OK_BLOCK),
  ]);
}
