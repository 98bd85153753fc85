import type { Connector } from "./connector.ts";
import { moriio } from "./moriio.ts";
import { mooncake } from "./mooncake.ts";
import { nixl } from "./nixl.ts";
import { sharedStore } from "./shared-store.ts";

/** Every way of handing over that `--kv-connector` names. */
export const CONNECTORS = {
  nixl,
  mooncake,
  moriio,
  lmcache: sharedStore("lmcache"),
  none: sharedStore("none"),
} as const satisfies Readonly<Record<string, Connector>>;
