import type { RequestListener } from "node:http";
import type { HttpEngineConnection } from "../src/index.ts";
import { type HttpEngine, startHttpEngine } from "./http-engine.ts";
import { waitUntil } from "./wait-until.ts";

/** Connects the implementation under test to an HTTP engine at `host:port`. */
export type ConnectHttpForCases = (address: string) => HttpEngineConnection;

/** An engine that does what a test says, and a connection to it. Disposing of it fails when a socket is left open. */
export async function startHttpCase(
  connect: ConnectHttpForCases,
  handle: RequestListener,
): Promise<{ engine: HttpEngine; connection: HttpEngineConnection } & AsyncDisposable> {
  const engine = await startHttpEngine(handle);
  const connection = connect(engine.address);
  return {
    engine,
    connection,
    [Symbol.asyncDispose]: async () => {
      await connection.close();
      await waitUntil(() => engine.openSockets === 0, "no open socket");
      engine.kill();
    },
  };
}
