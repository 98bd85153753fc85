import type { TransportOptions } from "../transport-options.ts";
import { bytesFrame, CLIENT_PREFACE, DEFAULT_WINDOW_BYTES, FRAME, numbersFrame, SETTING } from "./frame.ts";
import { MAX_HEADER_LIST_BYTES } from "./hpack-decoder.ts";

/** Window of a whole connection; credited as bytes arrive, whoever reads them or not. */
export const CONNECTION_WINDOW_BYTES: number = 16 * 1024 * 1024;

const SETTING_BYTES = 6;

/** What a client says first on a connection: preface, settings, and the window of the connection. */
export function clientHello(options: Pick<TransportOptions, "streamWindowBytes">): Buffer {
  const values = [
    [SETTING.ENABLE_PUSH, 0],
    [SETTING.INITIAL_WINDOW_SIZE, options.streamWindowBytes],
    [SETTING.MAX_HEADER_LIST_SIZE, MAX_HEADER_LIST_BYTES],
  ] as const;
  const settings = Buffer.alloc(values.length * SETTING_BYTES);
  for (const [index, [setting, value]] of values.entries()) {
    settings.writeUInt16BE(setting, index * SETTING_BYTES);
    settings.writeUInt32BE(value, index * SETTING_BYTES + 2);
  }
  return Buffer.concat([
    Buffer.from(CLIENT_PREFACE, "latin1"),
    bytesFrame(FRAME.SETTINGS, 0, settings),
    numbersFrame(FRAME.WINDOW_UPDATE, 0, [CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES]),
  ]);
}
