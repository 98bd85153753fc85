/** How many probes in a row change a verdict. */
export interface HealthThresholds {
  /** Failed probes in a row after which a healthy worker is unhealthy. */
  readonly failures: number;
  /** Good probes in a row after which an unhealthy worker is healthy. */
  readonly successes: number;
}

/** Judges a worker by its probes: one bad probe is not yet a dead worker, one good one not yet a live one. */
export class HealthJudge {
  readonly #thresholds: HealthThresholds;
  #healthy = true;
  #streak = 0;

  constructor(thresholds: HealthThresholds) {
    this.#thresholds = thresholds;
  }

  /** The verdict; healthy at first. */
  get healthy(): boolean {
    return this.#healthy;
  }

  /** Takes one probe's result. @returns true when the verdict changed */
  probed(good: boolean): boolean {
    if (good === this.#healthy) {
      this.#streak = 0;
      return false;
    }
    this.#streak += 1;
    const needed = good ? this.#thresholds.successes : this.#thresholds.failures;
    if (this.#streak < needed) {
      return false;
    }
    this.#healthy = good;
    this.#streak = 0;
    return true;
  }
}
