import type { InputLogProbs, OutputLogProbs, TopLogProbs } from "@vllm-router/proto/messages";
import type { TokenLogprobs } from "./sequence.ts";
import type { RankedToken, TokenModel } from "./token-model.ts";

/** An empty list of output logprobs. */
export function emptyOutputLogprobs(): OutputLogProbs {
  return { tokenLogprobs: [], tokenIds: [], topLogprobs: [] };
}

/** Appends one token; top lists only when alternatives were asked for. */
export function appendLogprobs(
  message: OutputLogProbs,
  token: { readonly id: number; readonly logprobs: TokenLogprobs },
  requested: number,
): void {
  const { id, logprobs } = token;
  message.tokenLogprobs.push(logprobs.logprob);
  message.tokenIds.push(id);
  if (requested > 0) message.topLogprobs.push(topEntry(id, logprobs, requested));
}

/** The logprobs of a prompt; the first token has none. Every position costs a look at the model. */
export function promptLogprobs(
  model: TokenModel,
  promptIds: readonly number[],
  requested: number,
): InputLogProbs {
  const message: InputLogProbs = { tokenLogprobs: [], tokenIds: [...promptIds], topLogprobs: [] };
  const state = model.start();
  for (const [position, id] of promptIds.entries()) {
    if (position === 0) {
      message.tokenLogprobs.push({});
      if (requested > 0) message.topLogprobs.push({ values: [], tokenIds: [] });
    } else {
      const logprob = model.logprob(state, id);
      message.tokenLogprobs.push({ value: logprob });
      if (requested > 0) {
        message.topLogprobs.push(topEntry(id, { logprob, top: model.ranked(state, requested) }, requested));
      }
    }
    model.advance(state, id);
  }
  return message;
}

/** vLLM's order: the token itself, then by rank without it; cut to the number asked for. */
function topEntry(id: number, { logprob, top }: TokenLogprobs, requested: number): TopLogProbs {
  const others: readonly RankedToken[] = top.filter((token) => token.id !== id).slice(0, requested - 1);
  return {
    values: [logprob, ...others.map((token) => token.logprob)],
    tokenIds: [id, ...others.map((token) => token.id)],
  };
}
