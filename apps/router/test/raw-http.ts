import { connect, type Socket } from "node:net";

/** A TCP connection that sends text as it is and collects what comes back. */
export interface RawConnection extends Disposable {
  readonly socket: Socket;
  send(text: string): void;
  /** Resolves with everything received so far once it matches. */
  received(pattern: RegExp): Promise<string>;
  /** Resolves with everything received when the other side has closed. */
  closed(): Promise<string>;
}

const DEADLINE_MS = 5_000;

/** Opens a connection to a port of this machine. */
export async function openRaw(port: number): Promise<RawConnection> {
  const socket = connect(port, "127.0.0.1");
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  let text = "";
  let isClosed = false;
  let look = (): void => undefined;
  socket.setEncoding("utf8");
  socket.on("data", (data: string) => {
    text += data;
    look();
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    isClosed = true;
    look();
  });
  const until = (isThere: () => boolean, what: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no ${what} within ${DEADLINE_MS} ms; received: ${text}`)),
        DEADLINE_MS,
      );
      look = (): void => {
        if (isThere()) {
          clearTimeout(timer);
          look = () => undefined;
          resolve(text);
        }
      };
      look();
    });
  return {
    socket,
    send: (request) => void socket.write(request),
    received: (pattern) => until(() => pattern.test(text), String(pattern)),
    closed: () => until(() => isClosed, "end"),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
