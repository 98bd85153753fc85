import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

/** A plain HTTP/1.1 server as an engine. */
export interface HttpEngine extends AsyncDisposable {
  readonly address: string;
  /** Sockets that are open now. */
  readonly openSockets: number;
  /** Connections so far. */
  readonly connections: number;
  kill(): void;
}

/** Starts a server on 127.0.0.1. */
export async function startHttpEngine(handle: RequestListener): Promise<HttpEngine> {
  const server = createServer(handle);
  let openSockets = 0;
  let connections = 0;
  server.on("connection", (socket) => {
    openSockets++;
    connections++;
    socket.on("close", () => openSockets--);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const kill = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return {
    address: `127.0.0.1:${port}`,
    get openSockets() {
      return openSockets;
    },
    get connections() {
      return connections;
    },
    kill,
    [Symbol.asyncDispose]: async () => kill(),
  };
}
