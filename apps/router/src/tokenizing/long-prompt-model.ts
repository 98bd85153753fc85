import type { CutEncoding, EncodingDraft, Tokenizer } from "@vllm-router/text";
import type { ModelRuntime } from "../models/model-runtime.ts";

/** Preparing a request stops here until somebody has encoded a long text. */
export class LongTextFound extends Error {
  override readonly name = "LongTextFound";
  readonly draft: EncodingDraft;
  readonly #keep: (encoding: CutEncoding) => void;

  constructor(draft: EncodingDraft, keep: (encoding: CutEncoding) => void) {
    super("a long text is to be encoded elsewhere");
    this.draft = draft;
    this.#keep = keep;
  }

  /** Gives the next try of the preparation the ids of the draft's unknown stretches. */
  resolve(ids: readonly Int32Array[]): void {
    this.#keep(this.draft.completeWithCuts(ids));
  }
}

/** A long text with its ids, without special tokens around them. */
interface KnownText {
  readonly text: string;
  readonly encoding: CutEncoding;
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

  find(text: string): CutEncoding | undefined {
    return this.#known.find((known) => known.text === text)?.encoding;
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
          const long = this.#encodeLong(tokenizer, text);
          if (long === undefined) {
            return tokenizer.encode(text, addSpecialTokens);
          }
          return addSpecialTokens ? framed(long.tokenIds, tokenizer.specialFrame) : long.tokenIds;
        },
        encodeWithCuts: (text) => this.#encodeLong(tokenizer, text) ?? tokenizer.encodeWithCuts(text),
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

  /** Encodes a long text within a pass; undefined for one that is short, or without a pass. @throws LongTextFound */
  #encodeLong(tokenizer: Tokenizer, text: string): CutEncoding | undefined {
    const pass = this.#pass;
    if (pass === undefined || text.length <= pass.mostUnits) {
      return undefined;
    }
    const known = pass.find(text);
    if (known !== undefined) {
      return known;
    }
    const draft = tokenizer.draft(text, false);
    if (draft.unknownUnits > pass.mostUnits && pass.hasRoom) {
      throw new LongTextFound(draft, (encoding) => pass.add({ text, encoding }));
    }
    return draft.completeWithCuts(tokenizer.encodeStretches(draft.unknown));
  }
}

function framed(ids: Int32Array, { before, after }: Tokenizer["specialFrame"]): Int32Array {
  if (before.length + after.length === 0) {
    return ids;
  }
  const all = new Int32Array(before.length + ids.length + after.length);
  all.set(before);
  all.set(ids, before.length);
  all.set(after, before.length + ids.length);
  return all;
}
