/** Finds stop strings in the text of a sequence as it grows; a match may span tokens. */
export interface StopChecker {
  /** Adds the text that a token completed; returns the stop string that is complete now. */
  push(added: string, mayStop: boolean): string | undefined;
}

/** A stop checker; of several matches the one that ends first wins, then the order of the list, as in vLLM. */
export function createStopChecker(stopStrings: readonly string[]): StopChecker {
  const longest = Math.max(...stopStrings.map((stop) => stop.length));
  let tail = "";
  return {
    push(added, mayStop) {
      if (added === "") return undefined;
      const text = tail + added;
      tail = text.slice(-(longest - 1) || text.length);
      return mayStop ? firstMatch(text, text.length - added.length, stopStrings) : undefined;
    },
  };
}

function firstMatch(text: string, newFrom: number, stopStrings: readonly string[]): string | undefined {
  let match: string | undefined;
  let matchEnd = Infinity;
  for (const stop of stopStrings) {
    const start = text.indexOf(stop, Math.max(0, newFrom + 1 - stop.length));
    if (start >= 0 && start + stop.length < matchEnd) {
      match = stop;
      matchEnd = start + stop.length;
    }
  }
  return match;
}
