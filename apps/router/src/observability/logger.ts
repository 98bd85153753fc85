import { pino, type DestinationStream, type Logger } from "pino";
import { gatheredLines } from "./gathered-lines.ts";
import { textLog } from "./text-log.ts";

/** Levels of `--log-level`, from loud to silent. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "critical", "silent"] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How and where a logger writes. */
export interface LoggerOptions {
  /** JSON lines for machines, or lines for a person. Default json. */
  readonly format?: "json" | "text";
  /** Where lines go; standard error when not given. */
  readonly destination?: DestinationStream;
}

/** Lines are gathered into writes of at least so many bytes: a write a line costs a busy router a tenth of its time. */
const WRITE_BYTES = 8192;
/** And wait no longer than this, in milliseconds. */
const WRITE_MS = 100;

/**
 * The router's own logger: lines on standard error, so that standard output stays free for what a program prints on
 * purpose. Written in the background: call `flush` before the process ends.
 */
export function createLogger(level: LogLevel, options: LoggerOptions = {}): Logger {
  const name = level === "critical" ? "fatal" : level;
  const destination =
    options.destination ??
    gatheredLines(pino.destination({ fd: 2, sync: false, minLength: WRITE_BYTES }), WRITE_MS);
  return pino({ level: name, base: null }, options.format === "text" ? textLog(destination) : destination);
}
