/** A thread that dies is replaced; that often within {@link WITHIN_MS} is too often. */
const MOST = 5;
const WITHIN_MS = 60_000;

/** Counts deaths, to tell an accident from a fault that comes again and again. */
export class ThreadDeaths {
  readonly #atMs: number[] = [];

  /** Another one. @returns what is wrong when that was one too many */
  count(nowMs: number): string | undefined {
    this.#atMs.push(nowMs);
    while (nowMs - this.#atMs[0]! > WITHIN_MS) {
      this.#atMs.shift();
    }
    return this.#atMs.length < MOST
      ? undefined
      : `request threads died ${MOST} times within ${WITHIN_MS / 1000} s`;
  }
}
