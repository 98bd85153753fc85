import type { Tokenizer } from "@vllm-router/text";
import { buildTokenizer } from "../models/build-tokenizer.ts";
import type { FromTokenizingThread, ToTokenizingThread } from "./tokenizing-messages.ts";

/** The thread's half: builds tokenizers and encodes with them, one message after the other. */
export class TokenizingDesk {
  readonly #tokenizers = new Map<number, Tokenizer>();

  /** Does what a message asks for. @returns what is to be told of it; undefined for nothing */
  receive(message: ToTokenizingThread): FromTokenizingThread | undefined {
    switch (message.kind) {
      case "model":
        return this.#build(message);
      case "forget":
        this.#tokenizers.delete(message.model);
        return undefined;
      case "encode":
        return this.#encode(message);
    }
  }

  #build({ model, files }: Extract<ToTokenizingThread, { readonly kind: "model" }>): FromTokenizingThread {
    try {
      this.#tokenizers.set(model, buildTokenizer(files));
      return { kind: "ready", model };
    } catch (error) {
      return { kind: "model-failed", model, reason: String(error) };
    }
  }

  #encode({
    job,
    model,
    stretches,
  }: Extract<ToTokenizingThread, { readonly kind: "encode" }>): FromTokenizingThread {
    try {
      const tokenizer = this.#tokenizers.get(model);
      if (tokenizer === undefined) {
        throw new RangeError(`model ${model} is not known here`);
      }
      return { kind: "encoded", job, ...joined(tokenizer.encodeStretches(stretches)) };
    } catch (error) {
      return { kind: "job-failed", job, reason: String(error) };
    }
  }
}

/** One block of memory for all lists, which a single transfer moves. */
function joined(lists: readonly Int32Array[]): { ids: Int32Array<ArrayBuffer>; ends: readonly number[] } {
  const ids = new Int32Array(lists.reduce((sum, list) => sum + list.length, 0));
  const ends: number[] = [];
  let end = 0;
  for (const list of lists) {
    ids.set(list, end);
    end += list.length;
    ends.push(end);
  }
  return { ids, ends };
}
