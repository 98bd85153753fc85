import type { Stretch } from "@vllm-router/text";
import type { ModelFiles } from "../models/model-files.ts";

/** What a tokenizing thread is told. Models and jobs are numbered by whoever tells. */
export type ToTokenizingThread =
  | { readonly kind: "model"; readonly model: number; readonly files: ModelFiles }
  | { readonly kind: "forget"; readonly model: number }
  | {
      readonly kind: "encode";
      readonly job: number;
      readonly model: number;
      readonly stretches: readonly Stretch[];
    };

/** What a tokenizing thread tells. */
export type FromTokenizingThread =
  | { readonly kind: "ready"; readonly model: number }
  | {
      readonly kind: "encoded";
      readonly job: number;
      /** Those of all stretches, one behind the other; the buffer moves along. */
      readonly ids: Int32Array<ArrayBuffer>;
      /** Where those of each stretch end. */
      readonly ends: readonly number[];
    }
  /** A model's tokenizer cannot be built here, or a job not be done: a bug, since both worked where the texts come from. */
  | { readonly kind: "model-failed"; readonly model: number; readonly reason: string }
  | { readonly kind: "job-failed"; readonly job: number; readonly reason: string };
