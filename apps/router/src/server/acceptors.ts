import { createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Listening sockets beside the first. */
const EXTRA_SOCKETS = 15;
/** Connections that wait to be accepted, per listening socket; the system's own limit is lower on most machines. */
export const BACKLOG = 4_096;

/** True where several sockets of one process may listen on a port and the system spreads connections over them. */
export const SHARES_PORTS: boolean = process.platform === "linux";

/**
 * More listening sockets on the port of a server, whose connections are given to it. libuv accepts one connection per
 * listening socket and turn of the event loop: with a single one, new connections wait for seconds while a thousand
 * streams keep every turn long.
 */
export class Acceptors {
  readonly #servers: Server[] = [];

  /** Opens the sockets; where the system has none left to give there are fewer, and the server works all the same. */
  async open(address: AddressInfo, accept: (socket: Socket) => void): Promise<void> {
    for (let opened = 0; SHARES_PORTS && opened < EXTRA_SOCKETS; opened++) {
      // As Node's HTTP server makes its own.
      const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
      if (!(await isListening(server, address))) {
        return;
      }
      this.#servers.push(server);
    }
  }

  /** Stops accepting; resolves when all connections that came this way have ended. */
  async close(): Promise<void> {
    await Promise.all(
      this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  }
}

function isListening(server: Server, { address, port }: AddressInfo): Promise<boolean> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ host: address, port, backlog: BACKLOG, reusePort: true }, () => resolve(true));
  });
}

/**
 * Finds out whether somebody listens on an address already: sockets that share a port would not notice.
 * Rejects with what the system says when it cannot be had.
 */
export async function claimAddress(host: string, port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, resolve);
  });
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
