import {
  createMessagesCollector,
  createMessagesStreamWriter,
  messagesToChat,
  type MessagesRequest,
} from "@vllm-router/api";
import type { OptionalField } from "@vllm-router/engine-client";
import { changedParser } from "./changed-parser.ts";
import { requiredFieldsOf } from "./engine-fields.ts";
import { messagesConversion } from "./messages-conversion.ts";
import type { RequestPlan } from "./plan.ts";
import { prepareConverted } from "./prepare-chat.ts";
import { randomId } from "./random-id.ts";
import type { RequestEnvelope } from "./request-envelope.ts";

/** A request of the Messages API with what every generating request has; `metadata.user_id` is its user. */
export interface IdentifiedMessages extends MessagesRequest {
  readonly requestId: null;
  readonly sessionId: null;
  readonly user: string | null;
}

/** Says who a request is from, for session affinity. */
export function identifiedMessages(request: MessagesRequest): IdentifiedMessages {
  const user = request.metadata?.get("user_id");
  return { ...request, requestId: null, sessionId: null, user: typeof user === "string" ? user : null };
}

/** Fields a request really uses that not every dialect can carry. */
export function messagesRequiredFields(request: MessagesRequest): readonly OptionalField[] {
  const settings = { ...request, messages: [], tools: null, system: null };
  return requiredFieldsOf(
    messagesToChat(settings, {
      mergeInlineSystem: false,
      disabledThinkingEffort: "none",
      nowSeconds: 0,
    }),
  );
}

/**
 * Makes the plan of a request of the Messages API: that of the chat request vLLM converts it to, answered in Anthropic's
 * shape.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareMessages(request: IdentifiedMessages, envelope: RequestEnvelope): RequestPlan {
  const chat = messagesToChat(request, messagesConversion(envelope, envelope.created));
  const create = chat.stream === true ? createMessagesStreamWriter : createMessagesCollector;
  return prepareConverted(chat, envelope, {
    checksTools: true,
    writer: (options, draft) => {
      // Without tools a chat would choose none; here vLLM leaves the choice open, and tells of calls in streams.
      const isOpen = chat.stream === true && chat.tools === null && chat.toolChoice === null;
      const parserOf = isOpen
        ? changedParser(options, { draft, envelope }, { toolChoice: "auto" })
        : options.parserOf;
      return create({ ...options, parserOf, randomId });
    },
  });
}
