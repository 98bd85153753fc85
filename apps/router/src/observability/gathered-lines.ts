import type { DestinationStream } from "pino";

/** Where lines are gathered until there are enough, or somebody asks; pino's own destination is one. */
export interface LineBuffer {
  write(line: string): unknown;
  /** Writes what there is; does nothing while a write is under way. */
  flush(written?: (error?: Error) => void): void;
  flushSync(): void;
  /** Hears of the end of each write. */
  on(event: "drain", listener: () => void): unknown;
}

/** A destination that can be emptied before the process ends. */
export interface GatheredLines extends DestinationStream {
  flush(written?: (error?: Error) => void): void;
  flushSync(): void;
}

/**
 * Has lines written no later than `waitMs` after they came. pino's own `periodicFlush` wakes up for it, and has a thread write
 * nothing, all the time that nobody says anything.
 */
export function gatheredLines(buffer: LineBuffer, waitMs: number): GatheredLines {
  let timer: NodeJS.Timeout | undefined;
  let hasNewLines = false;
  const flushLater = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      buffer.flush();
    }, waitMs).unref();
  };
  // Lines that came during a write were in no flush.
  buffer.on("drain", () => {
    if (hasNewLines) {
      hasNewLines = false;
      flushLater();
    }
  });
  return {
    write: (line) => {
      buffer.write(line);
      hasNewLines = true;
      flushLater();
    },
    flush: (written) => buffer.flush(written),
    flushSync: () => buffer.flushSync(),
  };
}
