import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { mayTuneV8 } from "./may-tune-v8.ts";

/** What a young generation is bounded with. */
export interface YoungGenerationOptions {
  /** Flags that this process was started with; those about the same are left alone. */
  readonly flags: readonly string[];
  /** Whether the heap of this thread serves requests; else only those of later threads are bounded. */
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

/** One of the two halves of a young generation, MB. V8's own bound is 64. */
const HALF_MEGABYTES = 16;
/** A heap of a later thread begins with this, as it may find itself unable to grow (see below). V8's own is 1. */
const FIRST_HALF_MEGABYTES = 4;
/** The same of the heap that runs already as long as it holds no model: what a router that passes bodies on makes is gone at once. */
const HALF_MEGABYTES_WITHOUT_MODEL = 8;
/** V8's own default. */
const GROWING = 2;
const RESTING = 1;

/**
 * Bounds V8's young generation, which else grows to 2 x 64 MB and stays there: long pauses, memory, and more that lies outside the
 * processor's caches. The bound is read when a heap is made, so for the one that runs already the factor by which it grows is set to one.
 * That factor is the whole process's: a thread whose heap is made meanwhile stays as large as it began. Looks only after collections: costs
 * nothing at rest.
 * @returns to be called when the first model has been read, and without effect afterwards
 */
export function boundYoungGeneration(options: YoungGenerationOptions): () => void {
  const { setFlag = setFlagsFromString, size = youngBytes, afterCollections = observeCollections } = options;
  if (!mayTuneV8(options.flags, /semi[-_]space|new[-_]space|minor[-_]ms/u, options.v8Version)) {
    return () => undefined;
  }
  setFlag(`--max-semi-space-size=${HALF_MEGABYTES}`);
  if (!options.servesHere) {
    return () => undefined;
  }
  setFlag(`--min-semi-space-size=${FIRST_HALF_MEGABYTES}`);
  let factor = GROWING;
  let halfMegabytes = HALF_MEGABYTES_WITHOUT_MODEL;
  afterCollections(() => {
    const wanted = size() < 2 * halfMegabytes * 1024 * 1024 ? GROWING : RESTING;
    if (wanted !== factor) {
      factor = wanted;
      setFlag(`--semi-space-growth-factor=${factor}`);
    }
  });
  return () => {
    halfMegabytes = HALF_MEGABYTES;
  };
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space")?.space_size ?? 0;
}

function observeCollections(call: () => void): void {
  new PerformanceObserver(call).observe({ entryTypes: ["gc"] });
}
