import type { Logger } from "pino";
import type { RouterConfig } from "@vllm-router/config";
import { EngineError, listenZmq } from "@vllm-router/engine-client";
import type { Timers } from "../fleet/timers.ts";
import { RouterError } from "../router-error.ts";
import { WorkerRegistry, type AnnouncedFleet } from "./worker-registry.ts";

/** Where engines announce themselves. */
export interface Discovery extends AsyncDisposable {
  /** `host:port` that is listened on. */
  readonly address: string;
}

/** A real message has 200 bytes. */
const MAX_MESSAGE_BYTES = 16 * 1024;
const MAX_ENGINES = 1_024;
/** Engines announce themselves every 3 s. */
const IDLE_MS = 60_000;
/** The same complaint is not logged more often. */
const REFUSAL_INTERVAL_MS = 60_000;
const MAX_REFUSALS = 64;
/** Looks within the time that an engine may be silent. */
const SWEEPS = 8;

/** Who is registered, before anybody can be heard; undefined where nobody announces itself. */
export function createRegistry(
  { disaggregation }: RouterConfig,
  parts: { readonly fleet: AnnouncedFleet; readonly timers: Timers; readonly logger: Logger },
): WorkerRegistry | undefined {
  const { discoveryAddress, discoveryTimeoutSecs, connector, moriioTransferMode } = disaggregation;
  if (discoveryAddress === undefined) {
    return undefined;
  }
  const { fleet, timers, logger } = parts;
  return new WorkerRegistry({
    fleet,
    silenceMs: discoveryTimeoutSecs * 1000,
    capacity: MAX_ENGINES,
    mode: connector === "moriio" ? moriioTransferMode : undefined,
    nowMs: () => timers.steadyMs(),
    refused: complaints(logger, timers),
  });
}

/**
 * Listens on `--vllm-discovery-address`; undefined where there is none.
 * @throws RouterError `listen` when the address cannot be had
 */
export async function openDiscovery(
  { disaggregation }: RouterConfig,
  registry: WorkerRegistry | undefined,
  parts: { readonly timers: Timers; readonly logger: Logger },
): Promise<Discovery | undefined> {
  const { discoveryAddress, discoveryTimeoutSecs } = disaggregation;
  if (discoveryAddress === undefined || registry === undefined) {
    return undefined;
  }
  const { timers, logger } = parts;
  const limits = { connections: MAX_ENGINES, messageBytes: MAX_MESSAGE_BYTES, idleMs: IDLE_MS };
  const listener = await listenZmq(addressOf(discoveryAddress), limits, {
    message: (messageParts, { from }) => registry.take(messageParts, from),
    refused: complaints(logger, timers),
  }).catch((error: unknown) => {
    throw error instanceof EngineError ? new RouterError("listen", error.message, { cause: error }) : error;
  });
  const cancel = timers.every((discoveryTimeoutSecs * 1000) / SWEEPS, () => registry.sweep());
  const host = listener.host.includes(":") ? `[${listener.host}]` : listener.host;
  const address = `${host}:${listener.port}`;
  logger.info({ address }, `engines announce themselves at tcp://${address}`);
  return {
    address,
    [Symbol.asyncDispose]: () => {
      cancel();
      return listener.close();
    },
  };
}

/** `*` and no host stand for every interface. */
function addressOf(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, colon).replace(/^\[|\]$/g, "");
  return { host: host === "" || host === "*" ? "0.0.0.0" : host, port: Number(text.slice(colon + 1)) };
}

/** Logs why a message was passed over, the same reason seldom: strangers must not fill the log. */
function complaints(logger: Logger, timers: Timers): (reason: string, from: string) => void {
  const loggedAtMs = new Map<string, number>();
  return (reason, from) => {
    const now = timers.steadyMs();
    if (now - (loggedAtMs.get(reason) ?? -Infinity) < REFUSAL_INTERVAL_MS) {
      return;
    }
    if (loggedAtMs.size >= MAX_REFUSALS) {
      const [oldest = ""] = loggedAtMs.keys();
      if (now - (loggedAtMs.get(oldest) ?? 0) < REFUSAL_INTERVAL_MS) {
        return;
      }
      loggedAtMs.delete(oldest);
    }
    loggedAtMs.delete(reason);
    loggedAtMs.set(reason, now);
    logger.warn({ from, reason }, "an announcement of an engine was passed over");
  };
}
