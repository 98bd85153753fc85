/** Bytes of the head of every frame (RFC 9113 §4.1). */
export const FRAME_HEAD_BYTES = 9;
/** Largest payload a frame may have as long as nothing else was agreed; we never ask for more. */
export const DEFAULT_MAX_FRAME_BYTES = 16_384;
/** Both flow-control windows begin with this. */
export const DEFAULT_WINDOW_BYTES = 65_535;
/** No window may become larger. */
export const MAX_WINDOW_BYTES = 0x7fff_ffff;
/** First bytes of every connection. */
export const CLIENT_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Frame types (RFC 9113 §6). */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** Flags of frames; ACK and END_STREAM share a bit on different types. */
export const FLAG = { ACK: 0x1, END_STREAM: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;

/** Settings (RFC 9113 §6.5.2). */
export const SETTING = {
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/** Writes the head of a frame. @returns where its payload begins */
export function writeFrameHead(
  target: Buffer,
  offset: number,
  frame: {
    readonly length: number;
    readonly type: number;
    readonly flags: number;
    readonly streamId: number;
  },
): number {
  const { length, type, flags, streamId } = frame;
  target[offset] = length >>> 16;
  target[offset + 1] = length >>> 8;
  target[offset + 2] = length;
  target[offset + 3] = type;
  target[offset + 4] = flags;
  target[offset + 5] = streamId >>> 24;
  target[offset + 6] = streamId >>> 16;
  target[offset + 7] = streamId >>> 8;
  target[offset + 8] = streamId;
  return offset + FRAME_HEAD_BYTES;
}

/** A whole frame whose payload is some 32-bit numbers. */
export function numbersFrame(type: number, streamId: number, numbers: readonly number[]): Buffer {
  const length = numbers.length * 4;
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + length);
  let position = writeFrameHead(frame, 0, { length, type, flags: 0, streamId });
  for (const number of numbers) position = frame.writeUInt32BE(number, position);
  return frame;
}

/** A whole frame with a payload of bytes. */
export function bytesFrame(type: number, flags: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payload.length);
  frame.set(payload, writeFrameHead(frame, 0, { length: payload.length, type, flags, streamId: 0 }));
  return frame;
}
