import type { Connector, Pair } from "./connector.ts";

/**
 * Mooncake. Both legs start together and meet by a transfer id: the decode engine asks the prefill engine's bootstrap
 * server for the engine's address and waits there for the blocks. The prefill engine is named by the id that its rank
 * has at the bootstrap server, so a worker that has none cannot be paired.
 */
export const mooncake: Connector = {
  name: "mooncake",
  // The blocks are freed once one sequence has fetched them.
  isShared: false,
  plan({ requestId, prefill, uniqueId }: Pair) {
    const bootstrap = prefill.identity?.bootstrap;
    const engineId = bootstrap?.engineIds.get(prefill.rank ?? 0);
    if (bootstrap === undefined || engineId === undefined) {
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
          remote_bootstrap_addr: bootstrap.address,
          remote_engine_id: engineId,
          transfer_id: transferId,
        }),
      },
    };
  },
};
