/** A place that `tcp://host:port` names. */
export interface TcpPlace {
  /** An IPv6 address without its brackets; may be `*`. */
  readonly host: string;
  readonly port: number;
}

/** Reads `tcp://host:port`; undefined for anything else, and for a port that there is not. */
export function tcpPlace(address: string): TcpPlace | undefined {
  const tcp = /^tcp:\/\/(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(address);
  const port = Number(tcp?.[3]);
  return tcp !== null && port >= 1 && port <= 65_535 ? { host: (tcp[1] ?? tcp[2])!, port } : undefined;
}
