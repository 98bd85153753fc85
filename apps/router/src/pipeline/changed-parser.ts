import type { ChatRequest, ResponseOptions } from "@vllm-router/api";
import { createOutputParser, type OutputParserContext, type ParserSelection } from "@vllm-router/text";
import type { PromptDraft } from "./make-plan.ts";
import { parserContext } from "./parser-context.ts";
import type { RequestEnvelope } from "./request-envelope.ts";

/** How parsers are to differ from those of the same chat. */
export interface ParserChange {
  readonly selection?: ParserSelection;
  readonly toolChoice?: OutputParserContext["toolChoice"];
}

/** Makes the parsers of a converted request otherwise than for a chat; undefined where nothing is parsed. */
export function changedParser(
  options: ResponseOptions<ChatRequest>,
  { draft, envelope }: { readonly draft: PromptDraft; readonly envelope: RequestEnvelope },
  change: ParserChange,
): ResponseOptions<ChatRequest>["parserOf"] {
  const selection = change.selection ?? envelope.model.parsers.selection;
  if (selection === undefined) {
    return undefined;
  }
  const context = parserContext(options.request, draft.tokenIds, envelope);
  const changed = { ...context, toolChoice: change.toolChoice ?? context.toolChoice };
  return () => createOutputParser(selection, changed);
}
