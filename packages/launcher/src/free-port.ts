import { createServer, type Server } from "node:net";
import { platform } from "node:process";

import { LauncherError } from "./launcher-error.ts";

/** A port nobody listens on, kept from other launchers until released. */
export interface ReservedPort {
  readonly port: number;
  /** Lets other launchers have it. The port itself is never held open. */
  readonly release: () => void;
}

/** Which port to take. */
export interface ReservePortOptions {
  readonly host: string;
  /** The port asked for, or the first one tried. */
  readonly port: number;
  /** Fail when it is taken instead of trying the next one. */
  readonly exact: boolean;
}

const MAX_TRIES = 1_000;

/**
 * Finds a free port. An engine binds its port only when the model is loaded, and gRPC servers let two processes share
 * one port, so a look alone is not enough: on Linux an abstract socket named after the port keeps other launchers away
 * and vanishes with this process.
 * @throws LauncherError port_in_use
 */
export async function reservePort(options: ReservePortOptions): Promise<ReservedPort> {
  const last = options.exact ? options.port : Math.min(65_535, options.port + MAX_TRIES - 1);
  for (let port = options.port; port <= last; port++) {
    const lock = await holdName(port);
    if (lock === "taken") continue;
    if (await isPortFree(options.host, port)) {
      return { port, release: () => lock?.close() };
    }
    lock?.close();
  }
  const message = options.exact
    ? `port ${options.port} on ${options.host} is in use by another program`
    : `no free port between ${options.port} and ${last} on ${options.host}`;
  throw new LauncherError("port_in_use", message);
}

/**
 * Whether a server could listen there now.
 * @throws LauncherError port_in_use when the host is not an address of this machine or the port is not allowed
 */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  const result = await listen({ host, port, exclusive: true });
  if (result instanceof Error) {
    const code = "code" in result ? result.code : undefined;
    if (code === "EADDRINUSE") return false;
    throw new LauncherError("port_in_use", `cannot listen on ${host}:${port}: ${result.message}`, {
      cause: result,
    });
  }
  await new Promise<void>((resolve) => {
    result.close(() => {
      resolve();
    });
  });
  return true;
}

async function holdName(port: number): Promise<Server | "taken" | undefined> {
  if (platform !== "linux") return undefined;
  const server = await listen({ path: `\0vllm-serve-port-${port}` });
  if (server instanceof Error) return "taken";
  server.unref();
  return server;
}

function listen(
  where: { host: string; port: number; exclusive: boolean } | { path: string },
): Promise<Server | Error> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.destroy();
    });
    server.once("error", resolve);
    server.listen(where, () => {
      resolve(server);
    });
  });
}
