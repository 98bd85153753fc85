import { type Connector, jsonObject, type LegWorker } from "./connector.ts";

/** MoRI-IO in read mode: as NIXL, with a transfer id of its own, and both engines' places in the request id. */
export const moriio: Connector = {
  name: "moriio",
  isShared: false,
  plan({ prefill, decode, uniqueId }) {
    const transferId = `tx-${uniqueId()}`;
    return {
      requestId: `___prefill_addr_${placeOf(prefill)}___decode_addr_${placeOf(decode)}_${uniqueId()}`,
      prefillParams: JSON.stringify({
        do_remote_decode: true,
        do_remote_prefill: false,
        remote_engine_id: null,
        remote_block_ids: null,
        transfer_id: transferId,
        remote_dp_size: decode.ranks,
      }),
      decode: {
        order: "after",
        handover: (answer) => {
          const told = jsonObject(answer);
          return told?.["do_remote_prefill"] === true && Array.isArray(told["remote_block_ids"])
            ? {
                params: JSON.stringify({
                  ...told,
                  transfer_id: told["transfer_id"] ?? transferId,
                  remote_dp_size: prefill.ranks,
                }),
              }
            : undefined;
        },
      },
    };
  },
};

/** Host and port of a worker, by which the Rust router names it when it has not registered itself. */
function placeOf({ id }: LegWorker): string {
  return URL.parse(id)?.host ?? id;
}
