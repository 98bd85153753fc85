import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";
import type { KvConnectorSide } from "./kv-connector-side.ts";
import { MooncakeBootstrap } from "./mooncake-bootstrap.ts";
import { MooncakeSide } from "./mooncake-side.ts";
import { type MoriioConfig, MoriioSide } from "./moriio-side.ts";
import { NixlSide } from "./nixl-side.ts";
import type { MoriioOptions } from "./simulator-options.ts";

/** A connector that runs, and its bootstrap server where it has one. */
export interface StartedKvConnector {
  readonly side: KvConnectorSide;
  readonly bootstrap?: { readonly server: MooncakeBootstrap; readonly port: number };
}

/** Ports for connectors that are given none; they are names within this program, nobody listens there. */
let nextPort = 20_000;

/** Ports of an engine that was given none; they stay its own in all its lives. */
export function moriioConfig(options: MoriioOptions): MoriioConfig {
  const { role, mode = "write" } = options;
  nextPort += 20;
  return {
    role,
    mode,
    handshakePort: options.handshakePort ?? nextPort,
    notifyPort: options.notifyPort ?? nextPort + 10,
  };
}

/**
 * Starts the KV connector of one life of an engine.
 * @throws SimulatorError listen_failed
 */
export async function startKvConnector(
  kind: "nixl" | "mooncake" | MoriioConfig | undefined,
  parts: {
    readonly clock: Clock;
    /** Its address is known once it listens. */
    readonly engine: { readonly host: string; readonly port: number; readonly faults: Faults };
    readonly ranks: number;
    readonly bootstrapPort: number;
    /** What becomes of prompts whose blocks are not there, and how the engine dies. */
    readonly nixl: { readonly policy: "fail" | "recompute" | undefined; readonly die: () => void };
  },
): Promise<StartedKvConnector | undefined> {
  const { clock, engine, ranks, bootstrapPort, nixl } = parts;
  if (typeof kind === "object") {
    const { host, faults } = engine;
    return { side: new MoriioSide(clock, kind, { host, faults, ranks, die: nixl.die }) };
  }
  switch (kind) {
    case undefined:
      return undefined;
    case "nixl":
      return { side: new NixlSide(clock, engine, nixl) };
    case "mooncake": {
      const side = new MooncakeSide(clock, ranks, engine.faults);
      const server = new MooncakeBootstrap(side.rankIds);
      try {
        const { port } = await server.listen({ host: engine.host, port: bootstrapPort });
        return { side, bootstrap: { server, port } };
      } catch (error) {
        side[Symbol.dispose]();
        throw error;
      }
    }
  }
}
