/**
 * Microseconds per call: the fastest of 60 short rounds after a warm-up. The fastest and not the median, because on a
 * machine that does other things as well everything but the fastest measures those.
 */
export function measureMicroseconds(run: () => void): number {
  let calls = 0;
  const start = performance.now();
  while (performance.now() - start < 200) {
    run();
    calls += 1;
  }
  const callsPerRound = Math.max(1, Math.floor(calls / 60));
  let best = Infinity;
  for (let round = 0; round < 60; round += 1) {
    const roundStart = performance.now();
    for (let call = 0; call < callsPerRound; call += 1) {
      run();
    }
    best = Math.min(best, ((performance.now() - roundStart) * 1000) / callsPerRound);
  }
  return best;
}

/** Prints aligned columns. */
export function printRow(cells: readonly (string | number)[]): void {
  const texts = cells.map((cell) => (typeof cell === "number" ? cell.toFixed(cell < 10 ? 2 : 1) : cell));
  process.stdout.write(
    `${texts.map((text, index) => (index === 0 ? text.padEnd(58) : text.padStart(13))).join("")}\n`,
  );
}
