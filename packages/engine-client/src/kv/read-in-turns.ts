import type { Socket } from "node:net";

/** What is read of a socket. */
export interface TurnReading {
  /** Reads nothing until `resume`. */
  pause(): void;
  resume(): void;
}

/** Reads a socket chunk by chunk: after each of them other work has its turn, so that a peer that floods holds nobody up. */
export function readInTurns(socket: Socket, read: (chunk: Buffer) => void): TurnReading {
  let isPaused = false;
  const resume = (): void => {
    if (!isPaused && !socket.destroyed) socket.resume();
  };
  socket.on("data", (chunk: Buffer) => {
    socket.pause();
    read(chunk);
    setImmediate(resume);
  });
  return {
    pause: () => {
      isPaused = true;
      socket.pause();
    },
    resume: () => {
      isPaused = false;
      resume();
    },
  };
}
