import { EngineError } from "../../engine-error.ts";
import { FLAG, FRAME } from "./frame.ts";
import type { ReceivedFrame } from "./frame-splitter.ts";

const PRIORITY_BYTES = 5;

/** Where the content of a frame lies in a buffer. */
export interface PayloadRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The payload of a frame without padding, and for HEADERS without the priority that may come first. Throws an EngineError
 * `protocol` when there is less in the frame than it says.
 */
export function contentOf(frame: ReceivedFrame): PayloadRange {
  const { bytes, flags } = frame;
  let { start, end } = frame;
  if ((flags & FLAG.PADDED) !== 0) {
    end -= start < end ? (bytes[start] as number) : 1;
    start += 1;
  }
  if (frame.type === FRAME.HEADERS && (flags & FLAG.PRIORITY) !== 0) start += PRIORITY_BYTES;
  if (start > end)
    throw new EngineError("protocol", "the engine sent a frame with more padding than it holds");
  return { start, end };
}
