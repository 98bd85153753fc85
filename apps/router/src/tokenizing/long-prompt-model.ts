import type { EncodingDraft } from "@vllm-router/text";
import type { ModelRuntime } from "../models/model-runtime.ts";

/** Preparing a request stops here until somebody has encoded a long text. */
export class LongTextFound extends Error {
  override readonly name = "LongTextFound";
  readonly draft: EncodingDraft;
  readonly #keep: (ids: Int32Array) => void;

  constructor(draft: EncodingDraft, keep: (ids: Int32Array) => void) {
    super("a long text is to be encoded elsewhere");
    this.draft = draft;
    this.#keep = keep;
  }

  /** Gives the next try of the preparation the ids of the draft's unknown stretches. */
  resolve(ids: readonly Int32Array[]): void {
    this.#keep(this.draft.complete(ids));
  }
}

/** A long text with its ids. */
interface KnownText {
  readonly text: string;
  readonly addSpecialTokens: boolean;
  readonly ids: Int32Array;
}

/** What the tries of one preparation know: the ids of its long texts. */
export class LongPromptPass {
  readonly mostUnits: number;
  readonly #mostTexts: number;
  readonly #known: KnownText[] = [];

  constructor(bounds: { readonly mostUnits: number; readonly mostTexts: number }) {
    this.mostUnits = bounds.mostUnits;
    this.#mostTexts = bounds.mostTexts;
  }

  /** Whether another long text may be left to others. */
  get hasRoom(): boolean {
    return this.#known.length < this.#mostTexts;
  }

  find(text: string, addSpecialTokens: boolean): Int32Array | undefined {
    return this.#known.find((known) => known.addSpecialTokens === addSpecialTokens && known.text === text)
      ?.ids;
  }

  add(known: KnownText): void {
    this.#known.push(known);
  }
}

const twins = new WeakMap<ModelRuntime, LongPromptModel>();

/**
 * A model's twin for requests that may have long texts: within {@link LongPromptModel.run} its tokenizer does not encode what is
 * long and new, but throws {@link LongTextFound}. One for every model, since others remember things by model and tokenizer.
 */
export class LongPromptModel {
  readonly runtime: ModelRuntime;
  #pass: LongPromptPass | undefined;

  private constructor(model: ModelRuntime) {
    const { tokenizer } = model;
    this.runtime = {
      ...model,
      tokenizer: {
        ...tokenizer,
        encode: (text, addSpecialTokens) => {
          const pass = this.#pass;
          if (pass === undefined || text.length <= pass.mostUnits) {
            return tokenizer.encode(text, addSpecialTokens);
          }
          const known = pass.find(text, addSpecialTokens);
          if (known !== undefined) {
            return known;
          }
          const draft = tokenizer.draft(text, addSpecialTokens);
          if (draft.unknownUnits > pass.mostUnits && pass.hasRoom) {
            throw new LongTextFound(draft, (ids) => pass.add({ text, addSpecialTokens, ids }));
          }
          return draft.complete(tokenizer.encodeStretches(draft.unknown));
        },
      },
    };
  }

  /** The twin of a model. */
  static of(model: ModelRuntime): LongPromptModel {
    let twin = twins.get(model);
    if (twin === undefined) {
      twin = new LongPromptModel(model);
      twins.set(model, twin);
    }
    return twin;
  }

  /** Calls `prepare`, which must not go on later, with a pass. @throws LongTextFound, and what `prepare` throws */
  run<T>(pass: LongPromptPass, prepare: () => T): T {
    this.#pass = pass;
    try {
      return prepare();
    } finally {
      this.#pass = undefined;
    }
  }
}
