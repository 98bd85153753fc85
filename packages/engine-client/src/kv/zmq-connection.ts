import { connect, type NetConnectOpts } from "node:net";
import { EngineError } from "../engine-error.ts";
import { readInTurns } from "./read-in-turns.ts";
import { tcpPlace } from "./zmq-address.ts";
import { HANDSHAKE_TIMEOUT_MS, MAX_KV_MESSAGE_BYTES } from "./zmq-limits.ts";
import { encodeMessage, GREETING, pongCommand, readyCommand, ZmtpParser } from "./zmtp-frames.ts";

/** Hears a connection to a ZMQ socket. */
export interface ZmqConnectionEvents {
  /** The peer is there and has been greeted; messages may be sent. */
  ready(): void;
  /** Valid during the call. */
  message(parts: readonly Buffer[]): void;
  /** The last call, exactly once unless `close` was called before. */
  lost(error: EngineError): void;
}

/** One connection that dials a ZMQ socket. */
export interface ZmqConnection {
  send(parts: readonly Uint8Array[]): void;
  /** Reads nothing until `resume`: the peer's own queue fills, and loses what does not fit. */
  pause(): void;
  resume(): void;
  /** Nothing is heard any more. */
  close(): void;
}

/**
 * Dials `tcp://host:port` or `ipc://path` as a SUB or DEALER socket: one connection, no reconnecting, no queue. After every
 * chunk read it lets the event loop do other work, so that a flood of events cannot hold up requests.
 * @throws EngineError `rejected` for another address
 */
export function dialZmq(
  address: string,
  socketType: "SUB" | "DEALER",
  events: ZmqConnectionEvents,
): ZmqConnection {
  const socket = connect(connectOptions(address));
  let isOver = false;
  const end = (error: EngineError): void => {
    if (isOver) return;
    isOver = true;
    socket.destroy();
    events.lost(error);
  };
  const parser = new ZmtpParser(
    {
      greeted: () => socket.write(readyCommand(socketType)),
      command: (name, body) => {
        if (isOver) return;
        if (name === "READY") {
          socket.setTimeout(0);
          events.ready();
        } else if (name === "PING") {
          socket.write(pongCommand(body));
        } else if (name === "ERROR") {
          end(new EngineError("protocol", `the ZMQ peer refused: ${body.toString("latin1", 1)}`));
        }
      },
      message: (parts) => {
        if (!isOver) events.message(parts);
      },
    },
    MAX_KV_MESSAGE_BYTES,
  );
  const reading = readInTurns(socket, (chunk) => {
    if (isOver) return;
    try {
      parser.push(chunk);
    } catch (error) {
      end(
        error instanceof EngineError ? error : new EngineError("internal", String(error), { cause: error }),
      );
    }
  });
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  socket.setTimeout(HANDSHAKE_TIMEOUT_MS, () =>
    end(new EngineError("deadline_exceeded", `no ZMQ peer answers at ${address}`)),
  );
  socket.on("error", (cause) =>
    end(new EngineError("unavailable", `${address}: ${cause.message}`, { cause })),
  );
  socket.on("close", () => end(new EngineError("unavailable", `${address} closed the connection`)));
  socket.write(GREETING);
  return {
    send: (parts) => {
      if (!isOver) socket.write(encodeMessage(parts));
    },
    ...reading,
    close: () => {
      isOver = true;
      socket.destroy();
    },
  };
}

function connectOptions(address: string): NetConnectOpts {
  const ipc = /^ipc:\/\/(.+)$/.exec(address);
  if (ipc !== null) {
    return { path: ipc[1]! };
  }
  const place = tcpPlace(address);
  if (place === undefined || place.host.includes("*")) {
    throw new EngineError(
      "rejected",
      `${JSON.stringify(address)} is no ZMQ address: write tcp://host:port or ipc:///path`,
    );
  }
  return { ...place };
}
