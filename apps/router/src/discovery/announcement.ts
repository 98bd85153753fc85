import { EngineError, MsgpackReader } from "@vllm-router/engine-client";
import { type MoriioAddress, type MoriioMode, parseMoriioAddress } from "../disaggregation/moriio-address.ts";

/** What an engine says of itself, again and again as long as it lives. */
export interface Announcement {
  readonly url: string;
  readonly role: "prefill" | "decode";
  /** Where its MoRI-IO connector is found; undefined for an engine with another one. */
  readonly moriio: MoriioAddress | undefined;
  /** Who moves blocks; undefined where it does not say. */
  readonly mode: MoriioMode | undefined;
}

/** Fields that are read, and what each is. */
const FIELDS: Readonly<Record<string, "text" | "number">> = {
  type: "text",
  http_address: "text",
  zmq_address: "text",
  transfer_mode: "text",
  dp_size: "number",
  tp_size: "number",
};
/** More fields than anybody sends. */
const MAX_FIELDS = 64;
const MAX_RANKS = 1_024;

/**
 * Reads a message of vLLM's registration: a msgpack map with `type` ("P" or "D"), `http_address` and `zmq_address`, and
 * for MoRI-IO `transfer_mode`, `dp_size` and `tp_size`.
 * @returns a sentence about what is wrong with another
 */
export function readAnnouncement(message: Uint8Array): Announcement | string {
  let fields: ReadonlyMap<string, string | number>;
  try {
    fields = fieldsOf(message);
  } catch (error) {
    if (error instanceof EngineError) {
      return error.message;
    }
    throw error;
  }
  const type = fields.get("type");
  if (type !== "P" && type !== "D") {
    return `the type ${quoted(type)} is neither "P" nor "D"`;
  }
  const address = fields.get("http_address");
  const url = typeof address === "string" ? urlOf(address) : undefined;
  if (url === undefined) {
    return `the http_address ${quoted(address)} is not host:port`;
  }
  const mode = modeOf(fields.get("transfer_mode"));
  if (mode === "unknown") {
    return `the transfer_mode ${quoted(fields.get("transfer_mode"))} is neither "READ" nor "WRITE"`;
  }
  const place = parseMoriioAddress(String(fields.get("zmq_address") ?? ""));
  const dataRanks = fields.get("dp_size");
  const tensorRanks = fields.get("tp_size");
  if (!isCount(dataRanks) || !isCount(tensorRanks)) {
    return `dp_size and tp_size are to be numbers from 1 to ${MAX_RANKS}`;
  }
  return {
    url,
    role: type === "P" ? "prefill" : "decode",
    moriio: place === undefined ? undefined : { ...place, dataRanks, tensorRanks },
    mode,
  };
}

function fieldsOf(message: Uint8Array): ReadonlyMap<string, string | number> {
  const reader = new MsgpackReader(message);
  const fields = new Map<string, string | number>();
  const count = reader.mapLength();
  if (count > MAX_FIELDS) {
    throw new EngineError("protocol", `a map of ${count} fields`);
  }
  for (let at = 0; at < count; at += 1) {
    const name = reader.text();
    const kind = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (kind !== undefined && reader.peekKind() === kind) {
      fields.set(name, kind === "text" ? reader.text() : reader.number());
    } else {
      reader.skip();
    }
  }
  return fields;
}

function modeOf(value: string | number | undefined): MoriioMode | "unknown" | undefined {
  switch (value) {
    case undefined:
      return undefined;
    case "READ":
      return "read";
    case "WRITE":
      return "write";
    default:
      return "unknown";
  }
}

/** The address of an engine; it says host and port alone, an IPv6 address with brackets or without. */
function urlOf(address: string): string | undefined {
  const [, bare, bracketed, port] =
    /^(?:([\w.:-]{1,255})|\[([\da-fA-F:.]{2,64})\]):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? bare ?? "";
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  const url = URL.parse(`http://${host.includes(":") ? `[${host}]` : host}:${port}`);
  return isPort && url !== null && url.hostname !== ""
    ? `http://${host.includes(":") ? `[${host}]` : host}:${port}`
    : undefined;
}

function isCount(value: string | number | undefined): value is number | undefined {
  return value === undefined || (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_RANKS);
}

/** Of what strangers send, the log has the beginning. */
function quoted(value: string | number | undefined): string {
  return value === undefined ? "that is missing" : JSON.stringify(value).slice(0, 80);
}
