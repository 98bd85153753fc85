import type { IncomingMessage } from "node:http";

/** True for a request that wants to speak WebSocket. */
export function isUpgrade(incoming: Pick<IncomingMessage, "method" | "headers">): boolean {
  return incoming.method === "GET" && incoming.headers.upgrade?.toLowerCase() === "websocket";
}
