import { connect, createServer, type Socket } from "node:net";

/** A TCP port in front of another one, whose gate may be shut. */
export interface GatedRelay extends AsyncDisposable {
  /** While shut, what clients send waits here; connections and the server's own words go on. */
  shut(): void;
  open(): void;
}

/** Relays `port` to `target`, both on loopback. */
export async function startGatedRelay(port: number, target: number): Promise<GatedRelay> {
  const clients = new Set<Socket>();
  let isShut = false;
  const server = createServer((client) => {
    const engine = connect(target, "127.0.0.1");
    for (const [from, to] of [
      [client, engine],
      [engine, client],
    ] as const) {
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
      from.on("data", (bytes) => to.write(bytes));
      from.on("end", () => to.end());
    }
    client.on("close", () => clients.delete(client));
    clients.add(client);
    if (isShut) {
      client.pause();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    shut: () => {
      isShut = true;
      clients.forEach((client) => client.pause());
    },
    open: () => {
      isShut = false;
      clients.forEach((client) => client.resume());
    },
    [Symbol.asyncDispose]: () => {
      clients.forEach((client) => client.destroy());
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
