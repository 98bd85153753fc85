/** Microseconds of processor time of one call: the best of nine rounds after a warm-up. */
export function microseconds(action: () => void, calls: number): number {
  for (let index = 0; index < calls; index++) action();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 9; round++) {
    const start = process.cpuUsage();
    for (let index = 0; index < calls; index++) action();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / calls);
  }
  return best;
}

/** Prints one figure. */
export function report(name: string, value: number): void {
  process.stdout.write(`${name.padEnd(52)} ${value.toFixed(3)} us\n`);
}
