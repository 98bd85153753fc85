import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ListenAddress } from "./grpc-server.ts";
import { SimulatorError } from "./simulator-error.ts";

/** The registry of a Mooncake prefill engine: `GET /query` lists engine ids and workers by data-parallel rank. */
export class MooncakeBootstrap {
  readonly #server: Server;

  /** @param engineIds by data-parallel rank */
  constructor(engineIds: readonly string[]) {
    const listed = Object.fromEntries(
      engineIds.map((engineId, rank) => [
        String(rank),
        { engine_id: engineId, worker_addr: { "0": { "0": `tcp://127.0.0.1:${rank + 1}` } } },
      ]),
    );
    this.#server = createServer((request, response) => {
      const isQuery = request.method === "GET" && request.url === "/query";
      response.writeHead(isQuery ? 200 : 404, { "content-type": "application/json" });
      response.end(JSON.stringify(isQuery ? listed : { detail: "Not Found" }));
    });
  }

  /** @throws SimulatorError listen_failed */
  listen({ host, port }: ListenAddress): Promise<ListenAddress> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", (cause) =>
        reject(
          new SimulatorError("listen_failed", `cannot listen on ${host}:${port}: ${cause.message}`, {
            cause,
          }),
        ),
      );
      this.#server.listen(port, host, () =>
        resolve({ host, port: (this.#server.address() as AddressInfo).port }),
      );
    });
  }

  /** Stops listening and cuts every connection. */
  kill(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeAllConnections();
    return closed;
  }
}
