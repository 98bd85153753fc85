import type { PositionLogprobs, PromptPositionLogprobs, TokenLogprob } from "@vllm-router/api";
import type { OutputLogprobs, PromptLogprobs, TokenOutput } from "@vllm-router/engine-client";
import { createLogprobTexts, type LogprobTexts, type Tokenizer } from "@vllm-router/text";

/**
 * Alternatives to ask a gRPC engine for when a client wants `wanted` of them: the servicer cuts its list to the number
 * asked for, sampled token included, while vLLM's own answer has that many beside a sampled token that is not among
 * them. One more brings it back, where the engine's limit has room for one more.
 */
export function alternativesToAsk(wanted: number, maxLogprobs: number): number {
  return wanted > 0 && (maxLogprobs < 0 || wanted < maxLogprobs) ? wanted + 1 : wanted;
}

/**
 * Alternatives to ask for per prompt token. The servicer reports no ranks; the place of the token among as many
 * alternatives as the engine gives is its rank, so all it gives are asked for.
 */
export function promptAlternativesToAsk(wanted: number, maxLogprobs: number): number {
  return Math.max(wanted, maxLogprobs < 0 ? wanted + RANK_ALTERNATIVES : maxLogprobs);
}

/** Alternatives asked for beyond the wanted ones where the engine has no limit. */
const RANK_ALTERNATIVES = 20;

/** Reads the logprobs of one sequence's outputs, in order: texts of tokens depend on the tokens before. */
export class OutputLogprobReader {
  readonly #texts: LogprobTexts;
  readonly #wanted: number;

  /** @param wanted alternatives the client asked for */
  constructor(tokenizer: Tokenizer, wanted: number) {
    this.#texts = createLogprobTexts(tokenizer);
    this.#wanted = wanted;
  }

  /** Logprobs of the first `count` tokens of an output. */
  read(
    output: TokenOutput,
    options: { readonly logprobs: OutputLogprobs; readonly count: number },
  ): readonly PositionLogprobs[] {
    const { logprobs, count } = options;
    return Array.from({ length: count }, (_, at) => {
      const tokenId = output.tokenIds[at] ?? 0;
      const logprob = logprobs.tokenLogprobs[at] ?? 0;
      const ids = logprobs.topTokenIds[at] ?? [];
      const values = logprobs.topLogprobs[at] ?? [];
      const kept = keptAlternatives({ tokenId, logprob, ids, values }, this.#wanted);
      return position({ tokenId, logprob, ids: ids.slice(0, kept), values }, this.#texts);
    });
  }
}

/** Reads the logprobs of a prompt. The first token has none. */
export function readPromptLogprobs(
  tokenizer: Tokenizer,
  prompt: PromptLogprobs,
  wanted: number,
): readonly (PromptPositionLogprobs | null)[] {
  const texts = createLogprobTexts(tokenizer);
  return prompt.tokenIds.map((tokenId, at) => {
    const logprob = prompt.tokenLogprobs[at];
    if (logprob === undefined) {
      return null;
    }
    const ids = prompt.topTokenIds[at] ?? [];
    const values = prompt.topLogprobs[at] ?? [];
    const candidate = { tokenId, logprob, ids, values };
    const kept = keptAlternatives(candidate, wanted);
    const rank = prompt.ranks?.[at] ?? rankOf(candidate);
    return { ...position({ ...candidate, ids: ids.slice(0, kept) }, texts), rank };
  });
}

/** One position as the engine gives it: parallel arrays, the token itself first, then by rank. */
interface EnginePosition {
  readonly tokenId: number;
  readonly logprob: number;
  readonly ids: readonly number[];
  readonly values: readonly number[];
}

/** How many of the engine's entries vLLM's own answer would have: one more than wanted only when the token itself is not among the best. */
function keptAlternatives(at: EnginePosition, wanted: number): number {
  if (wanted < 0 || at.ids.length <= wanted) {
    return at.ids.length;
  }
  const worstWanted = at.values[wanted] ?? Number.NEGATIVE_INFINITY;
  return at.logprob < worstWanted ? wanted + 1 : wanted;
}

/** Rank of the token itself: its place among the alternatives, or null when it is below all that are known. */
function rankOf(at: EnginePosition): number | null {
  const others = at.values.slice(1);
  if (others.length === 0) {
    return null;
  }
  const better = others.filter((value) => value > at.logprob).length;
  return better < others.length ? better + 1 : null;
}

function position(at: EnginePosition, texts: LogprobTexts): PositionLogprobs {
  const alternatives = at.ids[0] === at.tokenId ? at.ids : [at.tokenId, ...at.ids];
  const decoded = texts.next(alternatives);
  const offset = alternatives.length - at.ids.length;
  const top: TokenLogprob[] = at.ids.map((tokenId, index) => ({
    tokenId,
    token: decoded[index + offset] ?? "",
    logprob: at.values[index] ?? 0,
  }));
  return { tokenId: at.tokenId, token: decoded[0] ?? "", logprob: at.logprob, top };
}
