/** True for a request that wants to speak WebSocket. @param upgrade value of its header of this name */
export function isUpgrade(method: string | undefined, upgrade: string | undefined): boolean {
  return method === "GET" && upgrade?.toLowerCase() === "websocket";
}
