import type { ConnectOptions, VllmEngineConnection } from "../src/connect-engine.ts";

/** Connects the implementation under test to a VllmEngine server at `host:port`. */
export type ConnectForCases = (address: string, options?: ConnectOptions) => VllmEngineConnection;
