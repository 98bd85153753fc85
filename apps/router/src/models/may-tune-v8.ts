/** The first V8 (Node 24) in which what is tuned here was tried. */
const KNOWN_SINCE = 13;

/**
 * Whether a flag of V8's may be set: in a V8 in which that was tried, and where the user has set none about the same.
 * @param flags those this process was started with
 * @param about matches the user's flags about the same thing
 * @param v8Version by default that of this process
 */
export function mayTuneV8(flags: readonly string[], about: RegExp, v8Version = process.versions.v8): boolean {
  const [version = ""] = v8Version.split(".");
  return Number(version) >= KNOWN_SINCE && !flags.some((flag) => about.test(flag));
}
