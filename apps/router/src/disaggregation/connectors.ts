import type { RouterConfig } from "@vllm-router/config";
import type { Connector } from "./connector.ts";
import { mooncake } from "./mooncake.ts";
import { moriio } from "./moriio.ts";
import { nixl } from "./nixl.ts";
import { sharedStore } from "./shared-store.ts";

/** Every way of handing over that `--kv-connector` names. */
export const CONNECTORS = {
  nixl,
  mooncake,
  moriio: moriio("write"),
  lmcache: sharedStore("lmcache"),
  none: sharedStore("none"),
} as const satisfies Readonly<Record<RouterConfig["disaggregation"]["connector"], Connector>>;

/** The way of handing over that the configuration asks for. */
export function connectorOf({
  connector,
  moriioTransferMode,
}: Pick<RouterConfig["disaggregation"], "connector" | "moriioTransferMode">): Connector {
  return connector === "moriio" ? moriio(moriioTransferMode) : CONNECTORS[connector];
}
