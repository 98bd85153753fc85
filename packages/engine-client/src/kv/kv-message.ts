import { EngineError } from "../engine-error.ts";
import { decodeKvPayload } from "./decode-kv-batch.ts";
import type { KvBatch } from "./kv-batch.ts";

/** The batch of a publisher's message: its number, eight bytes, and what it says. @throws EngineError `protocol` */
export function batchFrom(number: Buffer | undefined, payload: Buffer | undefined): KvBatch {
  if (number?.length !== 8 || payload === undefined) {
    throw new EngineError("protocol", "a message of KV events has no number or no payload");
  }
  const { timestamp, events } = decodeKvPayload(payload);
  return { sequence: Number(number.readBigUInt64BE()), timestamp, events };
}

/** What went wrong with a message, as a failure of the engine's. */
export function protocolError(error: unknown): EngineError {
  return error instanceof EngineError ? error : new EngineError("internal", String(error), { cause: error });
}
