import { badRequestError } from "../api-error.ts";
import type { Integer } from "../validation/scalars.ts";
import type { CompletionRequest } from "./completion-request.ts";

/** One prompt of a completion request, as it was given. */
export type CompletionPrompt =
  | { readonly kind: "embeds"; readonly data: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "tokens"; readonly tokenIds: readonly Integer[] };

/**
 * The prompts of a completion request in the order of their choices: embeddings first.
 *
 * @throws {@link ApiError} when the list is empty.
 */
export function completionPrompts(request: CompletionRequest): readonly CompletionPrompt[] {
  const { prompt, promptEmbeds } = request;
  const embeds = typeof promptEmbeds === "string" ? [promptEmbeds] : (promptEmbeds ?? []);
  const prompts: CompletionPrompt[] = embeds.map((data) => ({ kind: "embeds", data }));
  if (typeof prompt === "string") prompts.push({ kind: "text", text: prompt });
  else if (prompt !== null && prompt.length > 0 && isTokenList(prompt)) {
    prompts.push({ kind: "tokens", tokenIds: prompt });
  } else {
    for (const item of (prompt ?? []) as readonly (string | readonly Integer[])[]) {
      prompts.push(
        typeof item === "string" ? { kind: "text", text: item } : { kind: "tokens", tokenIds: item },
      );
    }
  }
  if (prompts.length === 0) throw badRequestError("You must pass at least one prompt");
  return prompts;
}

function isTokenList(prompt: readonly unknown[]): prompt is readonly Integer[] {
  return typeof prompt[0] === "number" || typeof prompt[0] === "bigint";
}
