import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** What a young generation is bounded with. */
export interface YoungGenerationOptions {
  /** Flags that this process was started with; those about the same are left alone. */
  readonly flags: readonly string[];
  /** Whether the heap of this thread serves requests; else only threads that are started later are bounded. */
  readonly servesHere: boolean;
  /** By default that of this process. */
  readonly v8Version?: string;
  /** Calls back after collections; by default V8's own. */
  readonly afterCollections?: (call: () => void) => void;
  /** Bytes of this heap's young generation now; by default as V8 says. */
  readonly size?: () => number;
  /** By default V8's own. */
  readonly setFlag?: (flag: string) => void;
}

/** The first V8 (Node 24) in which this was tried. */
const KNOWN_SINCE = 13;
/** One of the two halves of a young generation, MB. V8's own bound is 64. */
const HALF_MEGABYTES = 16;
/** A heap of a later thread begins with this, as it may find itself unable to grow (see below). V8's own is 1. */
const FIRST_HALF_MEGABYTES = 4;
const ENOUGH_BYTES = 2 * HALF_MEGABYTES * 1024 * 1024;
/** V8's own default. */
const GROWING = 2;
const RESTING = 1;

/**
 * Bounds V8's young generation, which else grows to 2 x 64 MB under a thousand streams and stays there. The bound itself is read when a
 * heap is made, so for the one that runs already the factor by which it grows is set to one once it is large enough, and back when V8
 * has made it smaller. That factor is the whole process's: a thread whose heap is made meanwhile stays as large as it began.
 * Looks only after collections: costs nothing at rest.
 */
export function boundYoungGeneration(options: YoungGenerationOptions): void {
  const { setFlag = setFlagsFromString, size = youngBytes, afterCollections = observeCollections } = options;
  const [version = ""] = (options.v8Version ?? process.versions.v8).split(".");
  const isTheUsers = options.flags.some((flag) => /semi[-_]space|new[-_]space|minor[-_]ms/u.test(flag));
  if (Number(version) < KNOWN_SINCE || isTheUsers) {
    return;
  }
  setFlag(`--max-semi-space-size=${HALF_MEGABYTES}`);
  setFlag(`--min-semi-space-size=${FIRST_HALF_MEGABYTES}`);
  if (!options.servesHere) {
    return;
  }
  let factor = GROWING;
  afterCollections(() => {
    const wanted = size() < ENOUGH_BYTES ? GROWING : RESTING;
    if (wanted !== factor) {
      factor = wanted;
      setFlag(`--semi-space-growth-factor=${factor}`);
    }
  });
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.space_size ?? 0;
}

function observeCollections(call: () => void): void {
  const observer = new PerformanceObserver(call);
  observer.observe({ entryTypes: ["gc"] });
}
