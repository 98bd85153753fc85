/** Median microseconds per call over rounds long enough to be timed, after a warm-up. */
export function measureMicroseconds(run: () => void): number {
  for (const start = performance.now(); performance.now() - start < 150;) {
    run();
  }
  const startCalls = performance.now();
  let calls = 0;
  while (performance.now() - startCalls < 20) {
    run();
    calls += 1;
  }
  const rounds: number[] = [];
  for (let round = 0; round < 15; round += 1) {
    const start = performance.now();
    for (let call = 0; call < calls; call += 1) {
      run();
    }
    rounds.push(((performance.now() - start) * 1000) / calls);
  }
  return rounds.toSorted((a, b) => a - b)[7]!;
}

/** Prints aligned columns. */
export function printRow(cells: readonly (string | number)[]): void {
  const texts = cells.map((cell) => (typeof cell === "number" ? cell.toFixed(cell < 10 ? 2 : 1) : cell));
  process.stdout.write(
    `${texts.map((text, index) => (index === 0 ? text.padEnd(44) : text.padStart(12))).join("")}\n`,
  );
}
