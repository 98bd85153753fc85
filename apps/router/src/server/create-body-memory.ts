import { BodyMemory } from "@vllm-router/api";

/** Memory for long bodies and what was parsed of them: some eighty conversations of 128 KB. What hangs on their messages is about as much again. */
const MOST_BYTES = 32 << 20;

/** Makes a memory for bodies, with what Node does at native speed. */
export function createBodyMemory(): BodyMemory {
  return new BodyMemory({
    mostBytes: MOST_BYTES,
    equals: (left, right) => Buffer.compare(left, right) === 0,
    decodeAscii: ({ buffer, byteOffset }, start, end) =>
      Buffer.from(buffer, byteOffset + start, end - start).toString("latin1"),
  });
}
