import { tuneV8, type TuningOptions } from "./tune-v8.ts";

/** How much more than is alive there may be before all is collected, in per cent. V8's own figure falls to some 30 under load. */
const GROWTH_PERCENT = 50;
/** The same with a model's tables in the heap: prompts become objects there, and a whole collection has more to look at. */
const MODEL_GROWTH_PERCENT = 75;

/**
 * Keeps V8 from collecting the whole heap several times a second. Bodies, prompts and messages of long requests are buffers, whose memory V8 counts
 * beside its heap: 64 MB of them since the last whole collection begin the next one, which marks 50 to 80 MB of objects in other threads for a
 * tenth of a second, whether there is anything to free or not. Buffers count like objects instead, towards one limit in proportion to what is alive.
 * Read at every collection, so it holds for all threads.
 * @param flags the process's own; those about the same are left alone
 * @returns to be called when the first model has been read, and without effect afterwards
 */
export function letOldGenerationGrow(flags: readonly string[], options: TuningOptions = {}): () => void {
  const about = /external[-_]memory|heap[-_]growing|memory[-_]balancer|gc[-_]global/u;
  const set = ["--external-memory-accounted-in-global-limit", `--heap-growing-percent=${GROWTH_PERCENT}`];
  tuneV8(flags, { about, set }, options);
  let isModelRead = false;
  return () => {
    if (!isModelRead) {
      isModelRead = true;
      tuneV8(flags, { about, set: [`--heap-growing-percent=${MODEL_GROWTH_PERCENT}`] }, options);
    }
  };
}
