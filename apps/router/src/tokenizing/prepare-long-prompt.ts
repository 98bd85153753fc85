import type { ModelRuntime } from "../models/model-runtime.ts";
import { LongPromptModel, LongPromptPass, LongTextFound } from "./long-prompt-model.ts";
import type { EncodedElsewhere, LongTexts } from "./long-texts.ts";

/** Waits for something; undefined when whoever asked for it does not want it any more. */
export type Waiting = <T>(
  begin: (done: (value: T) => void) => () => void,
) => Promise<{ readonly value: T } | undefined>;

/** Long texts of a request that are encoded elsewhere, each at the cost of a preparation that is begun again; what is beyond is encoded here. */
const MOST_LONG_TEXTS = 8;

/**
 * Prepares a request whose texts may be long: they are encoded elsewhere, one after the other, and the preparation, which must be
 * without effect until it is through, is begun again with their ids. What comes of it, or is thrown, is the same as ever.
 *
 * @returns undefined when nobody waits for it any more
 */
export async function prepareLongPrompt<Model extends ModelRuntime, Plan>(
  model: Model,
  prepare: (model: Model) => Plan,
  { longTexts, wait }: { readonly longTexts: LongTexts; readonly wait: Waiting },
): Promise<Plan | undefined> {
  const twin = LongPromptModel.of(model);
  const pass = new LongPromptPass({ mostUnits: longTexts.mostUnits, mostTexts: MOST_LONG_TEXTS });
  for (;;) {
    const outcome = attempt(() => twin.run(pass, () => prepare(twin.runtime as Model)));
    if (!(outcome instanceof LongTextFound)) {
      return outcome;
    }
    const { unknown } = outcome.draft;
    const encoded = await wait<EncodedElsewhere>((done) => longTexts.encode(model, unknown, done));
    if (encoded === undefined) {
      return undefined;
    }
    outcome.resolve(encoded.value ?? model.tokenizer.encodeStretches(unknown));
  }
}

function attempt<T>(action: () => T): T | LongTextFound {
  try {
    return action();
  } catch (error) {
    if (error instanceof LongTextFound) {
      return error;
    }
    throw error;
  }
}
