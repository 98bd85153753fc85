import type { CompletionRequest } from "../request/completion-request.ts";
import type { CompletionLogprobLists, LogprobStyle } from "../response/logprob-text.ts";
import type { ChoiceOutput, PromptInfo, WriterSettings } from "../writer.ts";

/** How a completion shows logprobs. */
export interface CompletionLogprobStyle extends LogprobStyle {
  /** `logprobs`; -1 for all. */
  readonly alternatives: number;
}

/** How a completion shows logprobs; undefined when it shows none. */
export function completionLogprobStyle(
  request: CompletionRequest,
  settings: WriterSettings,
  float: (value: number) => string,
): CompletionLogprobStyle | undefined {
  if (request.logprobs === null) return undefined;
  const allRequested = request.logprobTokenIds !== null && request.logprobTokenIds.length > 0;
  return {
    float,
    tokensAsIds: request.returnTokensAsTokenIds ?? settings.returnTokensAsTokenIds,
    alternatives: allRequested ? -1 : Number(request.logprobs),
  };
}

/** Adds the prompt's positions, as echo shows them; returns the offset after them. */
export function addPrompt(lists: CompletionLogprobLists, prompt: PromptInfo, offset: number): number {
  let at = offset;
  for (let index = 0; index < prompt.tokenIds.length; index++) {
    const position = prompt.logprobs?.[index] ?? null;
    at =
      position === null
        ? lists.addUnknown(
            { tokenId: prompt.tokenIds[index] as number, token: prompt.firstTokenText ?? "" },
            at,
          )
        : lists.add([position], at);
  }
  return at;
}

/** Adds an output's positions; returns the offset after them. */
export function addOutput(lists: CompletionLogprobLists, output: ChoiceOutput, offset: number): number {
  return output.logprobs === undefined ? offset : lists.add(output.logprobs, offset);
}

/** What echo puts before a completion: nothing where token ids are returned instead. */
export function echoedPrompt(request: CompletionRequest, prompt: PromptInfo): string {
  return request.returnTokenIds === true ? "" : (prompt.text ?? "");
}

/** True when only the prompt is wanted: `echo` with `max_tokens` 0. */
export function isPromptOnly(request: CompletionRequest): boolean {
  return request.echo === true && Number(request.maxTokens) === 0;
}
