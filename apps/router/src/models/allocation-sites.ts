import { tuneV8, type TuningOptions } from "./tune-v8.ts";

/**
 * Keeps V8 from making objects in the old generation because earlier ones of the same line of code have lived long. A thousand streams outlive
 * several young collections; V8 remembers that of the code that made them, for good, and every short request after them leaves garbage that only
 * a collection of the whole heap can free. Holds for all threads; to be called before there is load.
 * @param flags the process's own; those about the same are left alone
 */
export function makeObjectsYoung(flags: readonly string[], options: TuningOptions = {}): void {
  tuneV8(
    flags,
    { about: /pretenuring|allocation[-_]site/u, set: ["--no-allocation-site-pretenuring"] },
    options,
  );
}
