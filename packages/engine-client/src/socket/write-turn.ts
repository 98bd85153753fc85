/** Something to be written at the end of a turn. */
export interface TurnWriter {
  /** Writes what it has; it may have nothing left. */
  writeNow(): void;
}

let writers: TurnWriter[] = [];

/**
 * Has something write when the event loop has read every socket that was ready. What goes to several engines then goes out one
 * directly after the other: an engine on the same machine, and the kernel's own code, are woken once rather than for each.
 */
export function writeAtEndOfTurn(writer: TurnWriter): void {
  if (writers.push(writer) === 1) setImmediate(writeAll);
}

function writeAll(): void {
  const ready = writers;
  writers = [];
  for (const writer of ready) writer.writeNow();
}
