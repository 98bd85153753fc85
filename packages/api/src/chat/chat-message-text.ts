import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import type { ChatRequest } from "../request/chat-request.ts";
import type { WriterSettings } from "../writer.ts";

/** Role of the answer: the server's, or that of the last message where no generation prompt was added. */
export function answerRole(request: ChatRequest, settings: WriterSettings): string {
  if (request.addGenerationPrompt) return settings.responseRole;
  const role = lastMessage(request)?.get("role");
  return typeof role === "string" ? role : settings.responseRole;
}

/** What `echo` puts before the answer: the last message's text, when it has the answer's role. */
export function echoedText(request: ChatRequest, role: string): string {
  const last = lastMessage(request);
  if (!request.echo || last?.get("role") !== role) return "";
  const content = last.get("content");
  if (typeof content === "string") return content;
  return isJsonArray(content) ? content.map(partText).join("\n") : "";
}

function lastMessage(request: ChatRequest): JsonObject | undefined {
  const last = request.messages.at(-1);
  return last instanceof Map ? (last as JsonObject) : undefined;
}

function partText(part: JsonValue): string {
  if (typeof part === "string") return part;
  const text = part instanceof Map ? (part as JsonObject).get("text") : undefined;
  return typeof text === "string" ? text : "";
}
