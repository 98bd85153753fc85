import type { ChoiceOutput, PositionLogprobs } from "@vllm-router/api";

/**
 * Makes one output of several (`stream_interval`), as vLLM's output processor does: the first is told at once, then each
 * time so many tokens have come, and what is left with the end of the sequence.
 */
export class GatheredOutput {
  readonly #interval: number;
  #text = "";
  #tokenIds: number[] = [];
  #logprobs: PositionLogprobs[] | undefined;
  #hasTold = false;

  /** @param interval tokens of one output, at least 1 */
  constructor(interval: number) {
    this.#interval = interval;
  }

  /** Takes an output. @returns what is to be told now; undefined for nothing yet */
  take(output: ChoiceOutput): ChoiceOutput | undefined {
    this.#add(output);
    if (this.#hasTold && this.#tokenIds.length < this.#interval) {
      return undefined;
    }
    return this.#release();
  }

  /** Takes the last output. @returns it with everything that was not told yet */
  last(output: ChoiceOutput): ChoiceOutput {
    this.#add(output);
    return this.#release();
  }

  #add({ text, tokenIds, tokenCount, logprobs }: ChoiceOutput): void {
    this.#text += text;
    for (let at = 0; at < tokenCount; at += 1) {
      this.#tokenIds.push(tokenIds[at] ?? 0);
    }
    if (logprobs !== undefined) {
      (this.#logprobs ??= []).push(...logprobs);
    }
  }

  #release(): ChoiceOutput {
    const told: ChoiceOutput = {
      text: this.#text,
      tokenIds: this.#tokenIds,
      tokenCount: this.#tokenIds.length,
      logprobs: this.#logprobs,
    };
    this.#text = "";
    this.#tokenIds = [];
    this.#logprobs = undefined;
    this.#hasTold = true;
    return told;
  }
}
