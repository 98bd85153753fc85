import type { Connector } from "./connector.ts";

/** Engines over one store of KV blocks (LMCache, Mooncake store, FlexKV …): two plain legs, one after the other. */
export function sharedStore(name: string): Connector {
  return {
    name,
    isShared: true,
    plan: ({ requestId }) => ({
      requestId,
      prefillParams: undefined,
      decode: { order: "after", handover: () => ({ params: undefined }) },
    }),
  };
}
