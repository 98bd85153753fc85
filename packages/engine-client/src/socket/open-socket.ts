import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import type { TransportOptions } from "../transport/transport-options.ts";

/** Hears a socket. */
export interface SocketListener {
  /** The connection is there; over TLS it speaks the protocol that was asked for. */
  connected(): void;
  /** Bytes in `bytes[0, length)`; valid only during the call. */
  read(bytes: Buffer, length: number): void;
  drained(): void;
  /** Once, last. Why, unless this side closed it or the peer ended it in good order. */
  closed(failure: Error | undefined): void;
}

/** What a socket is opened with. */
export interface SocketOptions extends Pick<
  TransportOptions,
  "address" | "secure" | "tls" | "connectTimeoutMs"
> {
  /** Application protocol that TLS has to agree on; undefined for none. */
  readonly protocol: "h2" | undefined;
}

const READ_BYTES = 64 * 1024;
// One buffer for all sockets of a thread: whatever is read is used up before the next read.
let readBuffer: Buffer | undefined;

/** Opens a connection to `host:port` whose reads do not allocate. */
export function openSocket(options: SocketOptions, listener: SocketListener): Socket {
  const { host, port } = splitAddress(options.address);
  const onread: OnReadOpts = {
    buffer: (readBuffer ??= Buffer.allocUnsafeSlow(READ_BYTES)),
    callback: (length, bytes) => {
      listener.read(bytes as Buffer, length);
      return true;
    },
  };
  const target = { host, port, noDelay: true, onread };
  const socket = options.secure
    ? connectTls({ ...target, ...tlsOptions(options, host) })
    : connectTcp(target);
  let failure: Error | undefined;
  const timer = setTimeout(() => {
    socket.destroy(new Error(`no connection within ${options.connectTimeoutMs} ms`));
  }, options.connectTimeoutMs);
  socket.once(options.secure ? "secureConnect" : "connect", () => {
    clearTimeout(timer);
    if (
      options.secure &&
      options.protocol !== undefined &&
      "alpnProtocol" in socket &&
      socket.alpnProtocol !== options.protocol
    ) {
      socket.destroy(new Error(`the engine does not offer ${options.protocol} over TLS`));
    } else listener.connected();
  });
  socket.on("drain", () => listener.drained());
  socket.on("error", (error) => {
    failure ??= error;
  });
  socket.once("close", () => {
    clearTimeout(timer);
    listener.closed(failure);
  });
  return socket;
}

function tlsOptions(options: SocketOptions, host: string): ConnectionOptions {
  const { authorities, certificate, privateKey } = options.tls;
  return {
    ...(options.protocol === undefined ? {} : { ALPNProtocols: [options.protocol] }),
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(privateKey === undefined ? {} : { key: privateKey }),
  };
}

/** Host and port of `host:port`; an IPv6 host is in brackets. */
function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(":");
  const host = address.slice(0, at);
  return {
    host: host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host,
    port: Number(address.slice(at + 1)),
  };
}
