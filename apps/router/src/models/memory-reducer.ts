import { setFlagsFromString } from "node:v8";
import { mayTuneV8 } from "./may-tune-v8.ts";

/** Collections that V8 makes one after the other when a process has come to rest; its own default. */
const COLLECTIONS = 2;

/**
 * Turns the collections off and on that V8 otherwise makes some eight seconds after one, once a process has come to rest: they take a
 * fifth of a second of processor time, and are of no use after {@link collectGarbage}.
 * @param flags the process's own; those about the same are left alone
 */
export function memoryReducerSwitch(flags: readonly string[]): (isOn: boolean) => void {
  if (!mayTuneV8(flags, /memory[-_]reducer/u)) {
    return () => undefined;
  }
  return (isOn) => setFlagsFromString(`--memory-reducer-gc-count=${isOn ? COLLECTIONS : 0}`);
}
