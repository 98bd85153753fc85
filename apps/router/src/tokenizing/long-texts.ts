import type { Stretch } from "@vllm-router/text";
import type { ModelRuntime } from "../models/model-runtime.ts";

/** A model's tokenizer, with what another thread needs to build the same. */
export type TokenizerSource = Pick<ModelRuntime, "tokenizer" | "tokenizerFiles">;

/** Ids of every stretch, in order; undefined where nobody encodes them and the asker has to. */
export type EncodedElsewhere = readonly Int32Array[] | undefined;

/** Encodes long texts beside the requests. */
export interface LongTexts {
  /** Code units of text not seen lately that a request has encoded at once; infinite where there is no other way. */
  readonly mostUnits: number;
  /**
   * Has stretches of a text encoded. `done` is called once, never before this returns, unless the job was given up by
   * calling what this returns.
   */
  encode(
    source: TokenizerSource,
    stretches: readonly Stretch[],
    done: (ids: EncodedElsewhere) => void,
  ): () => void;
}

/** For where no other thread is wanted. */
export const NO_LONG_TEXTS: LongTexts = {
  mostUnits: Number.POSITIVE_INFINITY,
  encode: (_source, _stretches, done) => {
    queueMicrotask(() => done(undefined));
    return () => undefined;
  },
};
