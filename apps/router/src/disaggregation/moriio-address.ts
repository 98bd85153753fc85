/** Where the MoRI-IO connector of an engine is found by others. */
export interface MoriioAddress {
  readonly host: string;
  readonly handshakePort: number;
  readonly notifyPort: number;
  /** Tensor-parallel ranks; undefined where it has not told: others then take it for their like. */
  readonly tensorRanks: number | undefined;
  /** Data-parallel ranks in all; undefined where it has not told. */
  readonly dataRanks: number | undefined;
}

/** Who moves the blocks: the decode engine reads them, or the prefill engine writes them. */
export type MoriioMode = "read" | "write";

/**
 * Reads an engine's `zmq_address`, `host:IP,handshake:PORT,notify:PORT`; a host may be an IPv6 address without brackets.
 * @returns undefined for anything else
 */
export function parseMoriioAddress(
  text: string,
): Pick<MoriioAddress, "host" | "handshakePort" | "notifyPort"> | undefined {
  const parts = new Map<string, string>();
  for (const segment of text.split(",")) {
    const colon = segment.indexOf(":");
    parts.set(segment.slice(0, Math.max(0, colon)).trim(), segment.slice(colon + 1).trim());
  }
  const host = parts.get("host") ?? "";
  const handshakePort = portOf(parts.get("handshake"));
  const notifyPort = portOf(parts.get("notify"));
  return isHost(host) && handshakePort !== undefined && notifyPort !== undefined
    ? { host, handshakePort, notifyPort }
    : undefined;
}

function portOf(text = ""): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** A name or an IP address; nothing that could be more than that in an address. */
function isHost(text: string): boolean {
  return /^[\w.:-]{1,255}$/.test(text);
}
