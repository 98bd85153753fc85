import { type Connector, type Handover, jsonObject, type Pair } from "./connector.ts";

const PREFILL = {
  do_remote_decode: true,
  do_remote_prefill: false,
  remote_engine_id: null,
  remote_block_ids: null,
  remote_host: null,
  remote_port: null,
} as const;

/**
 * NIXL. Pulling: prefill first, its answer goes to the decode leg word for word. An engine that pushes says so in its
 * first answer; from then on both legs start together, matched by their common request id.
 */
export const nixl: Connector = {
  name: "nixl",
  isShared: false,
  plan({ requestId, prefill }: Pair) {
    const prefillParams = JSON.stringify(PREFILL);
    const push = prefill.identity?.push;
    if (push !== undefined) {
      const params = JSON.stringify({
        do_remote_prefill: true,
        do_remote_decode: false,
        ...push,
        remote_request_id: requestId,
      });
      return { requestId, prefillParams, decode: { order: "together", params } };
    }
    return { requestId, prefillParams, decode: { order: "after", handover } };
  },
};

function handover(answer: string | undefined): Handover | undefined {
  const told = jsonObject(answer);
  const engineId = told?.["remote_engine_id"];
  if (
    told?.["do_remote_prefill"] !== true ||
    typeof engineId !== "string" ||
    typeof told["remote_host"] !== "string" ||
    typeof told["remote_port"] !== "number" ||
    !Array.isArray(told["remote_block_ids"])
  ) {
    return undefined;
  }
  const { remote_host, remote_port, tp_size, transfer_mode } = told;
  return {
    params: answer,
    learned: {
      engineIds: new Map([[0, engineId]]),
      ...(transfer_mode === "push"
        ? { push: { remote_engine_id: engineId, remote_host, remote_port, tp_size } }
        : {}),
    },
  };
}
