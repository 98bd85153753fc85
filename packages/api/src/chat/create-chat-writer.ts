import type { ChatRequest } from "../request/chat-request.ts";
import type { ResponseOptions } from "../response/response-options.ts";
import type { ResponseWriter } from "../writer.ts";
import { ChatStreamWriter } from "./chat-stream-writer.ts";
import { ParsedChatStreamWriter } from "./parsed-chat-stream-writer.ts";

/** Renders a chat completion as a stream of chunks, one per engine output. */
export function createChatStreamWriter(options: ResponseOptions<ChatRequest>): ResponseWriter {
  return options.parserOf === undefined
    ? new ChatStreamWriter(options)
    : new ParsedChatStreamWriter(options, options.parserOf);
}
