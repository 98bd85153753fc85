import type { AddressInfo, ListenOptions as NetListenOptions, Server } from "node:net";
import type { Timers } from "../fleet/timers.ts";
import { RouterError } from "../router-error.ts";
import { Acceptors, BACKLOG, claimAddress, SHARES_PORTS } from "./acceptors.ts";
import type { App } from "./app.ts";
import type { HttpSide } from "./http-side.ts";
import { NetHttpSide } from "./net/net-http-side.ts";
import { NodeHttpSide } from "./node/node-http-side.ts";
import type { TlsSource } from "./tls-source.ts";

/** Where and how to listen. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly timers: Timers;
  /** Another listener of this program has the port already, and shares it. */
  readonly isClaimed?: boolean;
  /** Flags named when the address cannot be had. Default `--host` and `--port`. */
  readonly flags?: { readonly host: string; readonly port: string };
  /** Path of a Unix socket to listen on in place of host and port. */
  readonly unixSocket?: string | undefined;
  /** Speaks TLS where it is given. */
  readonly tls?: TlsSource | undefined;
  /** Which HTTP server: our own on node:net, or Node's. Default `net`. */
  readonly httpServer?: "net" | "node";
  /** Largest head of a request; default 4 MiB. */
  readonly maxHeaderBytes?: number;
  /** Headers a request may have; default 256. */
  readonly maxHeaderCount?: number;
}

/** A listening server. */
export interface Listener {
  /** The port it listens on. */
  readonly port: number;
  /** Address for people and clients on this machine: a wildcard host is shown as 127.0.0.1. */
  readonly url: string;
  /** Requests whose answers have not ended. */
  readonly running: number;
  /**
   * Stops accepting, closes idle connections, lets running answers end and cuts off what is left after `timeoutMs`.
   * Calling it again, or {@link Listener.close}, can only make it faster.
   * @returns requests that were cut off
   */
  drain(timeoutMs: number): Promise<number>;
  /** Stops at once. @returns requests that were cut off */
  close(): Promise<number>;
}

/** vLLM's limits (h11): 4 MiB of headers, 256 headers, 5 s between two requests of a connection. */
const HEADER_LIMIT_BYTES = 4 * 1024 * 1024;
const HEADER_LIMIT_COUNT = 256;
const KEEP_ALIVE_MS = 5_000;
/** What a system says that does not know how to share a port. */
const NOT_SHARED: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOPROTOOPT", "EINVAL", "ENOSYS"]);

/**
 * Serves the application on `host:port`.
 * @throws RouterError `listen` saying why the address cannot be had and which flag changes it
 */
export async function listen(app: App, options: ListenOptions): Promise<Listener> {
  const settings = {
    app,
    timers: options.timers,
    tls: options.tls,
    maxHeaderBytes: options.maxHeaderBytes ?? HEADER_LIMIT_BYTES,
    maxHeaderCount: options.maxHeaderCount ?? HEADER_LIMIT_COUNT,
    keepAliveMs: KEEP_ALIVE_MS,
  };
  const side = options.httpServer === "node" ? new NodeHttpSide(settings) : new NetHttpSide(settings);
  const listening = new HttpListener(side, options);
  await bind(side.server, options);
  await listening.bound();
  return listening;
}

class HttpListener implements Listener {
  readonly #side: HttpSide;
  readonly #options: ListenOptions;
  readonly #acceptors = new Acceptors();
  #port = 0;
  #closing: Promise<void> | undefined;
  #cutOff = 0;

  constructor(side: HttpSide, options: ListenOptions) {
    this.#side = side;
    this.#options = options;
  }

  get port(): number {
    return this.#port;
  }

  /** The server is bound: its port is known. */
  async bound(): Promise<void> {
    if (this.#options.unixSocket !== undefined) {
      return;
    }
    const address = this.#side.server.address() as AddressInfo;
    this.#port = address.port;
    await this.#acceptors.open(address, (socket) => this.#side.accept(socket));
  }

  get url(): string {
    const { host, unixSocket, tls } = this.#options;
    if (unixSocket !== undefined) {
      return `unix:${unixSocket}`;
    }
    const isWildcard = host === "0.0.0.0" || host === "::" || host === "";
    const shown = isWildcard ? "127.0.0.1" : host;
    return `${tls === undefined ? "http" : "https"}://${shown.includes(":") ? `[${shown}]` : shown}:${this.port}`;
  }

  get running(): number {
    return this.#side.running;
  }

  async drain(timeoutMs: number): Promise<number> {
    const closed = this.#stopAccepting();
    const cancel = this.#options.timers.after(timeoutMs, () => this.#cutConnections());
    await closed;
    cancel();
    return this.#cutOff;
  }

  async close(): Promise<number> {
    const closed = this.#stopAccepting();
    this.#cutConnections();
    await closed;
    return this.#cutOff;
  }

  #stopAccepting(): Promise<void> {
    if (this.#closing === undefined) {
      const accepted = this.#acceptors.close();
      const closed = new Promise<void>((resolve) => {
        // Node's HTTP server closes idle connections, too.
        this.#side.server.close(() => resolve());
      });
      this.#closing = Promise.all([accepted, closed]).then(() => this.#side.ended());
      this.#side.beginClosing();
    }
    return this.#closing;
  }

  #cutConnections(): void {
    this.#cutOff += this.#side.running;
    this.#side.cut();
  }
}

async function bind(server: Server, options: ListenOptions): Promise<void> {
  const { host, port, unixSocket } = options;
  try {
    if (unixSocket !== undefined) {
      await listening(server, { path: unixSocket, backlog: BACKLOG });
      return;
    }
    if (SHARES_PORTS && port !== 0 && options.isClaimed !== true) {
      await claimAddress(host, port);
    }
    const shares = SHARES_PORTS && (await isBound(server, { host, port, backlog: BACKLOG, reusePort: true }));
    if (!shares) {
      await listening(server, { host, port, backlog: BACKLOG });
    }
  } catch (error) {
    throw new RouterError("listen", bindProblem(error as NodeJS.ErrnoException, options), { cause: error });
  }
}

/** @returns false where the system does not let sockets share a port */
async function isBound(server: Server, options: NetListenOptions): Promise<boolean> {
  try {
    await listening(server, options);
    return true;
  } catch (error) {
    if (NOT_SHARED.has((error as NodeJS.ErrnoException).code ?? "")) {
      return false;
    }
    throw error;
  }
}

function listening(server: Server, options: NetListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function bindProblem(error: NodeJS.ErrnoException, options: ListenOptions): string {
  const { host, port, unixSocket } = options;
  if (unixSocket !== undefined) {
    return `cannot listen on the socket ${unixSocket}: ${error.message}. Choose another one with --uds.`;
  }
  const flags = options.flags ?? { host: "--host", port: "--port" };
  switch (error.code) {
    case "EADDRINUSE":
      return `port ${port} on ${host} is already in use. Stop the program that listens there, or choose another port with ${flags.port}.`;
    case "EACCES":
      return `port ${port} on ${host} may not be used by this user. Choose a port above 1023 with ${flags.port}.`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${host} is not an address of this machine. Choose one with ${flags.host}, 0.0.0.0 for all interfaces.`;
    default:
      return `cannot listen on ${host}:${port}: ${error.message}`;
  }
}
