import type { TuningOptions } from "./tune-v8.ts";

/** A V8 in which all of our tuning was tried, and one in which none was. */
export const KNOWN_V8 = "13.6.233.17-node.53";
export const OLDER_V8 = "12.4.254.21-node.33";

/** Which flags a tuning sets, given the user's own. */
export function flagsSetBy(
  tune: (flags: readonly string[], options: TuningOptions) => void,
): (flags: readonly string[], v8Version?: string) => readonly string[] {
  return (flags, v8Version = KNOWN_V8) => {
    const set: string[] = [];
    tune(flags, { v8Version, setFlag: (flag) => set.push(flag) });
    return set;
  };
}
