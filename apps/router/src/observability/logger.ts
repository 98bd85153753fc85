import { pino, type DestinationStream, type Logger } from "pino";

/** Levels of `--log-level`, from loud to silent. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "critical", "silent"] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * The router's own logger: JSON lines on standard error, so that standard output stays free for what a program prints on
 * purpose. Written in the background: call `flush` before the process ends.
 * @param destination where lines go; standard error when not given
 */
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  const name = level === "critical" ? "fatal" : level;
  return pino({ level: name, base: null }, destination ?? pino.destination({ fd: 2, sync: false }));
}
