import { randomBytes } from "node:crypto";

/** Random bytes drawn at once: asking the system for every id costs more than the id. */
const POOL_BYTES = 4096;
const ID_BYTES = 8;

let pool = "";
let offset = 0;

/** A random id as vLLM makes them: 16 hexadecimal characters. */
export function randomId(): string {
  if (offset >= pool.length) {
    pool = randomBytes(POOL_BYTES).toString("hex");
    offset = 0;
  }
  const id = pool.slice(offset, offset + ID_BYTES * 2);
  offset += ID_BYTES * 2;
  return id;
}
