import { setFlagsFromString } from "node:v8";
import { mayTuneV8 } from "./may-tune-v8.ts";

/** What is tuned in V8, and how. */
export interface Tuning {
  /** Matches flags of the user's about the same thing. */
  readonly about: RegExp;
  /** Flags that are set, in this order. */
  readonly set: readonly string[];
}

/** By default this process's. */
export interface TuningOptions {
  readonly v8Version?: string;
  readonly setFlag?: (flag: string) => void;
}

/**
 * Sets flags of V8's, for all threads.
 * @param flags the process's own: where there is one about the same, nothing is set
 */
export function tuneV8(flags: readonly string[], tuning: Tuning, options: TuningOptions): void {
  const { v8Version, setFlag = setFlagsFromString } = options;
  if (mayTuneV8(flags, tuning.about, v8Version)) {
    tuning.set.forEach((flag) => setFlag(flag));
  }
}
