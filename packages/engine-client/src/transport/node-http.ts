import type * as NodeHttp from "node:http";

/**
 * `node:http`. To import it is to ask for everything it has, and with `WebSocket` that is Node's copy of undici: 40 ms of a start and 13 MB
 * that nothing here needs. Types of it can be imported.
 */
export const nodeHttp: typeof NodeHttp = process.getBuiltinModule("node:http");
