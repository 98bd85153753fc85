import type { Connector } from "./connector.ts";

/** Mooncake: both legs start together; the decode engine finds the other by its bootstrap server and a common id. */
export const mooncake: Connector = {
  name: "mooncake",
  isShared: false,
  plan({ requestId, prefill, uniqueId }) {
    const { identity, rank = 0 } = prefill;
    const engineId = identity?.engineIds.get(rank);
    if (engineId === undefined || identity?.bootstrapAddress === undefined) {
      return undefined;
    }
    const transferId = `xfer-${uniqueId()}`;
    return {
      requestId,
      prefillParams: JSON.stringify({
        do_remote_decode: true,
        do_remote_prefill: false,
        transfer_id: transferId,
      }),
      decode: {
        order: "together",
        params: JSON.stringify({
          do_remote_prefill: true,
          do_remote_decode: false,
          remote_bootstrap_addr: identity.bootstrapAddress,
          remote_engine_id: engineId,
          transfer_id: transferId,
        }),
      },
    };
  },
};
