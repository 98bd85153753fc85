import type { ChatRequest } from "../request/chat-request.ts";
import type { ChatLogprobStyle } from "../response/logprob-text.ts";
import type { WriterSettings } from "../writer.ts";

/** How a chat answer shows logprobs; undefined when it shows none. */
export function chatLogprobStyle(
  request: ChatRequest,
  settings: WriterSettings,
  float: (value: number) => string,
): ChatLogprobStyle | undefined {
  if (request.logprobs !== true) return undefined;
  const allRequested = request.logprobTokenIds !== null && request.logprobTokenIds.length > 0;
  return {
    float,
    tokensAsIds: request.returnTokensAsTokenIds ?? settings.returnTokensAsTokenIds,
    topLogprobs: allRequested ? -1 : Number(request.topLogprobs),
  };
}
