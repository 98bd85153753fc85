import { type Connector, type Handover, jsonObject, type LegWorker, type Pair } from "./connector.ts";
import type { MoriioMode } from "./moriio-address.ts";

/**
 * What vLLM's connector looks for in a request id before it looks into the parameters: the address of the other engine.
 * An id that a client chose must not name one.
 */
const ADDRESS_IN_ID = /___(?:prefill|decode)_addr_/;

/**
 * MoRI-IO, which moves blocks between AMD GPUs. Reading: prefill first, its answer goes to the decode leg word for word.
 * Writing: both legs start together under one transfer id, and each is told where the other engine is: the decode engine
 * says which blocks it has set aside, the prefill engine writes into them.
 */
export function moriio(mode: MoriioMode): Connector {
  return {
    name: `moriio (${mode})`,
    // The blocks are freed once one sequence has them.
    isShared: false,
    // One that reads takes every prompt for read already, but for its last token.
    computesPrompts: mode === "write",
    plan: mode === "read" ? planRead : planWrite,
  };
}

const planRead: Connector["plan"] = (pair) => {
  const transferId = `tx-${pair.uniqueId()}`;
  return {
    requestId: idOf(pair),
    prefillParams: JSON.stringify({
      do_remote_decode: true,
      do_remote_prefill: false,
      transfer_id: transferId,
      remote_engine_id: null,
      remote_block_ids: null,
    }),
    decode: { order: "after", handover: (answer) => handover(answer, transferId) },
  };
};

const planWrite: Connector["plan"] = (pair) => {
  const aboutDecode = placeOf(pair.decode);
  const aboutPrefill = placeOf(pair.prefill);
  if (aboutDecode === undefined || aboutPrefill === undefined) {
    return undefined;
  }
  const transferId = `tx-${pair.uniqueId()}`;
  return {
    requestId: idOf(pair),
    prefillParams: JSON.stringify({
      do_remote_decode: true,
      do_remote_prefill: false,
      transfer_id: transferId,
      ...aboutDecode,
    }),
    decode: {
      order: "together",
      params: JSON.stringify({
        do_remote_prefill: true,
        do_remote_decode: false,
        transfer_id: transferId,
        ...aboutPrefill,
        // One rank has the request, whichever it is: that one tells of its blocks.
        is_request_leader: true,
      }),
    },
  };
};

/** What an engine has to know of the other; undefined where it is not known. */
function placeOf({ identity, rank, ranks }: LegWorker): Readonly<Record<string, unknown>> | undefined {
  const address = identity?.moriio;
  const dataRanks = Math.max(ranks, address?.dataRanks ?? 1);
  if (address === undefined || (dataRanks > 1 && rank === undefined)) {
    return undefined;
  }
  const { host, handshakePort, notifyPort, tensorRanks } = address;
  return {
    remote_engine_id: `${host}:${handshakePort}`,
    remote_block_ids: null,
    remote_host: host,
    remote_handshake_port: handshakePort,
    remote_notify_port: notifyPort,
    remote_dp_size: dataRanks,
    // Left out where it is the only one: vllm.Inference makes fractions of numbers, of which the connector makes no port.
    ...(dataRanks > 1 ? { remote_dp_rank: rank } : {}),
    ...(tensorRanks === undefined ? {} : { remote_tp_size: tensorRanks }),
  };
}

function handover(answer: string | undefined, transferId: string): Handover | undefined {
  const told = jsonObject(answer);
  const isWhole =
    told?.["do_remote_prefill"] === true &&
    told["transfer_id"] === transferId &&
    typeof told["remote_engine_id"] === "string" &&
    Array.isArray(told["remote_block_ids"]) &&
    typeof told["remote_host"] === "string" &&
    told["remote_host"] !== "" &&
    isPort(told["remote_handshake_port"]) &&
    isPort(told["remote_notify_port"]);
  return isWhole ? { params: answer } : undefined;
}

/** The connector's own default ports are texts. */
function isPort(value: unknown): boolean {
  return (typeof value === "number" || typeof value === "string") && Number(value) > 0;
}

function idOf({ requestId, uniqueId }: Pair): string {
  return ADDRESS_IN_ID.test(requestId) ? uniqueId() : requestId;
}
