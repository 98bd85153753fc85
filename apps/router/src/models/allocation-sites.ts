import { setFlagsFromString } from "node:v8";
import { mayTuneV8 } from "./may-tune-v8.ts";

/** By default this process's. */
export interface AllocationSiteOptions {
  readonly v8Version?: string;
  readonly setFlag?: (flag: string) => void;
}

/**
 * Keeps V8 from making objects in the old generation because earlier ones of the same line of code have lived long. A thousand streams outlive
 * several young collections; V8 remembers that of the code that made them, for good, and every short request after them leaves garbage that only
 * a collection of the whole heap can free. Holds for all threads; to be called before there is load.
 * @param flags the process's own; those about the same are left alone
 */
export function makeObjectsYoung(flags: readonly string[], options: AllocationSiteOptions = {}): void {
  const { v8Version, setFlag = setFlagsFromString } = options;
  if (mayTuneV8(flags, /pretenuring|allocation[-_]site/u, v8Version)) {
    setFlag("--no-allocation-site-pretenuring");
  }
}
