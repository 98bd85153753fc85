import { EngineError } from "../../engine-error.ts";
import { FIELD_VALUE, LOWER_CASE_TOKEN } from "../../header-syntax.ts";
import { grpcTimeout } from "../grpc-timeout.ts";
import type { StreamRequest } from "../stream-transport.ts";
import type { TransportOptions } from "../transport-options.ts";

/** Different methods are a handful; more than this means that paths are made up. */
const MAX_CACHED_PATHS = 64;

const METHOD_POST = 0x83;
const SCHEME_HTTP = 0x86;
const SCHEME_HTTPS = 0x87;
/** Names of the static table. */
const AUTHORITY = 1;
const PATH = 4;
const CONTENT_TYPE = 31;
const USER_AGENT = 58;

/**
 * Encodes the headers of calls. Nothing enters the engine's table: what is the same for all calls of a method is encoded
 * once and copied, what differs (timeout, metadata) is written as it is.
 */
export class RequestHeaders {
  readonly #address: string;
  readonly #isSecure: boolean;
  readonly #blocks = new Map<string, Buffer>();

  constructor(options: Pick<TransportOptions, "address" | "secure">) {
    this.#address = options.address;
    this.#isSecure = options.secure;
  }

  /** The header block of a call. Throws an EngineError `internal` when its metadata cannot be sent. */
  encode(request: StreamRequest, remainingMs: number | undefined): Buffer {
    const fixed = this.#fixed(request.path);
    const { metadata } = request;
    if (remainingMs === undefined && metadata === undefined) return fixed;
    let own = remainingMs === undefined ? "" : literal("grpc-timeout", grpcTimeout(remainingMs));
    for (const name in metadata) own += literal(name, checked(name, metadata[name] as string));
    const block = Buffer.allocUnsafe(fixed.length + own.length);
    fixed.copy(block);
    block.write(own, fixed.length, "latin1");
    return block;
  }

  #fixed(path: string): Buffer {
    const known = this.#blocks.get(path);
    if (known !== undefined) return known;
    const text =
      String.fromCharCode(METHOD_POST, this.#isSecure ? SCHEME_HTTPS : SCHEME_HTTP) +
      indexedName(PATH, path) +
      indexedName(AUTHORITY, this.#address) +
      literal("te", "trailers") +
      indexedName(CONTENT_TYPE, "application/grpc") +
      indexedName(USER_AGENT, "vllm-router");
    const block = Buffer.from(text, "latin1");
    if (this.#blocks.size < MAX_CACHED_PATHS) this.#blocks.set(path, block);
    return block;
  }
}

/** A literal without indexing whose name is in the static table; bytes as latin1 text. */
function indexedName(index: number, value: string): string {
  return integer(index, 4, 0) + integer(value.length, 7, 0) + value;
}

/** A literal without indexing; bytes as latin1 text. */
function literal(name: string, value: string): string {
  return `\0${integer(name.length, 7, 0)}${name}${integer(value.length, 7, 0)}${value}`;
}

/** An integer with a prefix of so many bits (RFC 7541 §5.1) in bytes as latin1 text. */
function integer(value: number, prefixBits: number, flags: number): string {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) return String.fromCharCode(flags | value);
  let text = String.fromCharCode(flags | mask);
  let rest = value - mask;
  while (rest > 0x7f) {
    text += String.fromCharCode((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return text + String.fromCharCode(rest);
}

function checked(name: string, value: string): string {
  if (LOWER_CASE_TOKEN.test(name) && FIELD_VALUE.test(value)) return value;
  throw new EngineError(
    "internal",
    `the call cannot be sent: its metadata ${JSON.stringify(name)} is not a valid header`,
    {
      notStarted: true,
    },
  );
}
