import { type AddressInfo, createServer, type Socket } from "node:net";
import { EngineError } from "../engine-error.ts";
import { GREETING, pongCommand, readyCommand, ZmtpParser } from "./zmtp-frames.ts";

/** Hears those who dial a listening ZMQ socket. */
export interface ZmqListenerEvents {
  /** Valid during the call; `from` is the peer's IP address. */
  message(parts: readonly Buffer[], from: string): void;
  /** A peer was cut off for what it sent, or was not let in. */
  refused(reason: string, from: string): void;
}

/** A listening ZMQ socket that only hears. */
export interface ZmqListener {
  readonly host: string;
  readonly port: number;
  /** Cuts all peers off; nothing is heard any more. */
  close(): Promise<void>;
}

/** What peers may do. */
export interface ZmqListenerLimits {
  readonly connections: number;
  readonly messageBytes: number;
  /** A peer that sends nothing for so long is cut off, milliseconds; libzmq dials again by itself. */
  readonly idleMs: number;
}

/**
 * Binds a ROUTER socket over TCP that answers nobody. Peers that dial out (DEALER, REQ, ROUTER) are heard.
 * @throws EngineError `unavailable` when the address cannot be had
 */
export async function listenZmq(
  address: { readonly host: string; readonly port: number },
  limits: ZmqListenerLimits,
  events: ZmqListenerEvents,
): Promise<ZmqListener> {
  const sockets = new Set<Socket>();
  let isClosed = false;
  const server = createServer((socket) => {
    const from = socket.remoteAddress ?? "";
    socket.on("error", () => undefined);
    if (sockets.size >= limits.connections) {
      socket.destroy();
      events.refused(`more than ${limits.connections} connections`, from);
      return;
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    hear(socket, limits, {
      message: (parts) => {
        if (!isClosed) events.message(parts, from);
      },
      refused: (reason) => {
        if (!isClosed) events.refused(reason, from);
      },
    });
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
    close: () => {
      isClosed = true;
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const socket of sockets) socket.destroy();
      return closed;
    },
  };
}

function hear(
  socket: Socket,
  limits: ZmqListenerLimits,
  events: {
    readonly message: (parts: readonly Buffer[]) => void;
    readonly refused: (reason: string) => void;
  },
): void {
  const parser = new ZmtpParser(
    {
      greeted: () => socket.write(readyCommand("ROUTER")),
      command: (name, body) => {
        if (name === "PING") socket.write(pongCommand(body));
      },
      message: events.message,
    },
    limits.messageBytes,
  );
  socket.setNoDelay(true);
  socket.setTimeout(limits.idleMs, () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    // A peer that floods takes turns with everything else.
    socket.pause();
    try {
      parser.push(chunk);
    } catch (error) {
      socket.destroy();
      events.refused(error instanceof Error ? error.message : String(error));
      return;
    }
    setImmediate(() => socket.resume());
  });
  socket.write(GREETING);
}
