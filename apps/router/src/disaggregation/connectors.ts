import type { Connector } from "./connector.ts";
import { mooncake } from "./mooncake.ts";
import { nixl } from "./nixl.ts";
import { sharedStore } from "./shared-store.ts";

/** Every way of handing over that `--kv-connector` names. */
export const CONNECTORS = {
  nixl,
  mooncake,
  lmcache: sharedStore("lmcache"),
  none: sharedStore("none"),
} as const satisfies Readonly<Record<string, Connector>>;
