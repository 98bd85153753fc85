import type { SequenceFinish, TokenOutput } from "../engine.ts";

/**
 * What one message of a call is. `chunk`: an output. `complete`: the end of a sequence which repeats its last output, so
 * that it counts as an output only when no other came. `last`: the end of a sequence together with an output that no
 * other message has.
 */
export type MessageKind = "none" | "chunk" | "complete" | "last";

/** Reads the messages of a dialect's calls into objects that are used again for every message. */
export interface MessageDecoder {
  /** Content of the last message. */
  readonly output: TokenOutput;
  /** End of the sequence; meaningful after `complete` and `last`. */
  readonly finish: SequenceFinish;
  /** Reads one message from `bytes[start, end)`. Throws an EngineError `protocol` when it is malformed. */
  decode(bytes: Buffer, start: number, end: number): MessageKind;
}
