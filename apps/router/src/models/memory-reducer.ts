import { setFlagsFromString } from "node:v8";

/** The first V8 (Node 24) in which this was tried. */
const KNOWN_SINCE = 13;
/** Collections that V8 makes one after the other when a process has come to rest; its own default. */
const COLLECTIONS = 2;

/**
 * Turns the collections off and on that V8 otherwise makes some eight seconds after one, once a process has come to rest: they take a
 * fifth of a second of processor time, and are of no use after {@link collectGarbage}.
 * @param flags the process's own; those about the same are left alone
 */
export function memoryReducerSwitch(flags: readonly string[]): (isOn: boolean) => void {
  const [version = ""] = process.versions.v8.split(".");
  const isTheUsers = flags.some((flag) => /memory[-_]reducer/u.test(flag));
  if (Number(version) < KNOWN_SINCE || isTheUsers) {
    return () => undefined;
  }
  return (isOn) => setFlagsFromString(`--memory-reducer-gc-count=${isOn ? COLLECTIONS : 0}`);
}
