import { EngineError } from "../../engine-error.ts";
import { DEFAULT_MAX_FRAME_BYTES, DEFAULT_WINDOW_BYTES, MAX_WINDOW_BYTES, SETTING } from "./frame.ts";

const ENTRY_BYTES = 6;
/** How many streams are opened before the engine has said how many it takes. */
const ASSUMED_MAX_STREAMS = 100;
const MAX_FRAME_LIMIT_BYTES = 0xff_ffff;
/** Frames are never made larger than this, whatever the engine would take: others wait for a turn in between. */
const LARGEST_FRAME_BYTES = 64 * 1024;

/** What the engine allows on a connection. */
export class PeerSettings {
  /** True once the engine has said anything. */
  isKnown = false;
  maxConcurrentStreams: number;
  initialWindowBytes = DEFAULT_WINDOW_BYTES;
  maxFrameBytes = DEFAULT_MAX_FRAME_BYTES;

  /** `assumedMaxStreams` holds until the engine says otherwise; at most 100, the value it is advised to allow. */
  constructor(assumedMaxStreams: number = ASSUMED_MAX_STREAMS) {
    this.maxConcurrentStreams = Math.min(assumedMaxStreams, ASSUMED_MAX_STREAMS);
  }

  /** Reads the payload of a SETTINGS frame. Throws an EngineError `protocol` when it is malformed. */
  apply(bytes: Buffer, start: number, end: number): void {
    if ((end - start) % ENTRY_BYTES !== 0)
      throw new EngineError("protocol", "the engine sent malformed settings");
    if (!this.isKnown) this.maxConcurrentStreams = MAX_WINDOW_BYTES;
    this.isKnown = true;
    for (let position = start; position < end; position += ENTRY_BYTES) {
      this.#set(bytes.readUInt16BE(position), bytes.readUInt32BE(position + 2));
    }
  }

  #set(setting: number, value: number): void {
    switch (setting) {
      case SETTING.MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        break;
      case SETTING.INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW_BYTES) throw invalid("window", value);
        this.initialWindowBytes = value;
        break;
      case SETTING.MAX_FRAME_SIZE:
        if (value < DEFAULT_MAX_FRAME_BYTES || value > MAX_FRAME_LIMIT_BYTES)
          throw invalid("frame size", value);
        this.maxFrameBytes = Math.min(value, LARGEST_FRAME_BYTES);
        break;
      default:
      // The rest concerns pushing, which is off, and the encoder's table, which is not used.
    }
  }
}

function invalid(what: string, value: number): EngineError {
  return new EngineError("protocol", `the engine asks for a ${what} of ${value}`);
}
