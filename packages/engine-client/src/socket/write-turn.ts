/** Something to be written at the end of a turn. */
export interface TurnWriter {
  /** Writes what it has; it may have nothing left. */
  writeNow(): void;
}

/** So many do not wait for the end: where a thousand requests come at once, engines begin on the first before the last is read. */
const MOST_WAITING = 16;

let writers: TurnWriter[] = [];
let isScheduled = false;

/**
 * Has something write when the event loop has read every socket that was ready, or when enough wait for that. What goes to
 * several engines then goes out one directly after the other: an engine on the same machine is woken once rather than for each.
 */
export function writeAtEndOfTurn(writer: TurnWriter): void {
  if (writers.push(writer) >= MOST_WAITING) writeAll();
  else if (!isScheduled) {
    isScheduled = true;
    setImmediate(endTurn);
  }
}

function endTurn(): void {
  isScheduled = false;
  writeAll();
}

function writeAll(): void {
  const ready = writers;
  writers = [];
  for (const writer of ready) writer.writeNow();
}
