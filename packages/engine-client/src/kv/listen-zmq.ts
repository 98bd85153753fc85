import { type AddressInfo, createServer, type Socket } from "node:net";
import { EngineError } from "../engine-error.ts";
import { readInTurns, type TurnReading } from "./read-in-turns.ts";
import { HANDSHAKE_TIMEOUT_MS } from "./zmq-limits.ts";
import { encodeMessage, GREETING, pongCommand, readyCommand, ZmtpParser } from "./zmtp-frames.ts";

/** Who dialled a listening ZMQ socket. */
export interface ZmqCaller {
  /** IP address. */
  readonly from: string;
}

/** Hears those who dial a listening ZMQ socket. */
export interface ZmqListenerEvents {
  /** Valid during the call. */
  message(parts: readonly Buffer[], caller: ZmqCaller): void;
  /** A peer was cut off for what it sent, or was not let in. */
  refused(reason: string, from: string): void;
  /** A peer is gone, for whatever reason. */
  left?(caller: ZmqCaller): void;
}

/** A listening ZMQ socket that only hears. */
export interface ZmqListener {
  readonly host: string;
  readonly port: number;
  /** Reads nothing until `resume`: the peers' own queues fill, and lose what does not fit. */
  pause(): void;
  resume(): void;
  /** Cuts all peers off; nothing is heard any more. */
  close(): Promise<void>;
}

/** What peers may do. */
export interface ZmqListenerLimits {
  readonly connections: number;
  readonly messageBytes: number;
  /** A peer that sends nothing for so long is cut off, milliseconds, 0 for never; libzmq dials again by itself. */
  readonly idleMs: number;
}

/** What is bound. */
export interface ZmqBinding {
  readonly host: string;
  readonly port: number;
  /**
   * `ROUTER` (default) hears peers that send by themselves (DEALER, REQ, ROUTER), `SUB` publishers (PUB), whom it asks for all
   * topics.
   */
  readonly socketType?: "ROUTER" | "SUB";
}

/** Of a SUB: everything, please. */
const SUBSCRIPTION = encodeMessage([Buffer.from([1])]);

/**
 * Binds a socket over TCP that only hears.
 * @throws EngineError `unavailable` when the address cannot be had
 */
export async function listenZmq(
  address: ZmqBinding,
  limits: ZmqListenerLimits,
  events: ZmqListenerEvents,
): Promise<ZmqListener> {
  const readings = new Map<Socket, TurnReading>();
  let isPaused = false;
  let isClosed = false;
  const server = createServer((socket) => {
    const from = socket.remoteAddress ?? "";
    socket.on("error", () => undefined);
    if (readings.size >= limits.connections) {
      socket.destroy();
      events.refused(`more than ${limits.connections} connections`, from);
      return;
    }
    const caller: ZmqCaller = { from };
    socket.once("close", () => {
      readings.delete(socket);
      if (!isClosed) events.left?.(caller);
    });
    const reading = hear(
      socket,
      { ...limits, socketType: address.socketType ?? "ROUTER" },
      {
        message: (parts) => {
          if (!isClosed) events.message(parts, caller);
        },
        refused: (reason) => {
          if (!isClosed) events.refused(reason, from);
        },
      },
    );
    readings.set(socket, reading);
    if (isPaused) reading.pause();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new EngineError("unavailable", `cannot listen on ${address.host}:${address.port}: ${cause.message}`, {
          cause,
        }),
      ),
    );
    server.listen(address.port, address.host, resolve);
  });
  server.on("error", () => undefined);
  return {
    host: address.host,
    port: (server.address() as AddressInfo).port,
    pause: () => {
      isPaused = true;
      for (const reading of readings.values()) reading.pause();
    },
    resume: () => {
      isPaused = false;
      for (const reading of readings.values()) reading.resume();
    },
    close: () => {
      isClosed = true;
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const socket of readings.keys()) socket.destroy();
      return closed;
    },
  };
}

function hear(
  socket: Socket,
  options: ZmqListenerLimits & { readonly socketType: "ROUTER" | "SUB" },
  events: {
    readonly message: (parts: readonly Buffer[]) => void;
    readonly refused: (reason: string) => void;
  },
): TurnReading {
  const { idleMs, socketType } = options;
  const parser = new ZmtpParser(
    {
      greeted: () => socket.write(readyCommand(socketType)),
      command: (name, body) => {
        if (name === "PING") socket.write(pongCommand(body));
        if (name !== "READY") return;
        socket.setTimeout(idleMs);
        if (socketType === "SUB") socket.write(SUBSCRIPTION);
      },
      message: events.message,
    },
    options.messageBytes,
  );
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  socket.setTimeout(idleMs === 0 ? HANDSHAKE_TIMEOUT_MS : Math.min(idleMs, HANDSHAKE_TIMEOUT_MS), () =>
    socket.destroy(),
  );
  socket.write(GREETING);
  return readInTurns(socket, (chunk) => {
    try {
      parser.push(chunk);
    } catch (error) {
      socket.destroy();
      events.refused(error instanceof Error ? error.message : String(error));
    }
  });
}
