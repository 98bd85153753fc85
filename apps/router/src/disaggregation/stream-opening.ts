import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "@vllm-router/api";

/** What an answer has turned out to be: undecided, one that says something, or an error before anything. */
export type OpeningVerdict = "more" | "content" | "error";

/** An opening is short; one that is not is taken for content. */
const MAX_OPENING_CHARACTERS = 256 * 1024;
/** Events that stand before the engine's first word. */
const OPENING_TYPES: ReadonlySet<JsonValue> = new Set([
  "message_start",
  "ping",
  "response.created",
  "response.in_progress",
]);

/**
 * Reads the beginning of a decode engine's answer up to its first word. Streams open with events that say nothing yet (a
 * chat's role, a message's or response's start), and vLLM writes some of them before an error. What is no stream of events
 * is content.
 */
export class StreamOpening {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #read = 0;

  /** Takes the next bytes. Not to be asked again once decided. */
  add(bytes: Uint8Array): OpeningVerdict {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    this.#read += bytes.length;
    for (let end = this.#rest.indexOf("\n"); end >= 0; end = this.#rest.indexOf("\n")) {
      const verdict = verdictOfLine(this.#rest.slice(0, end).trimEnd());
      if (verdict !== "more") {
        return verdict;
      }
      this.#rest = this.#rest.slice(end + 1);
    }
    const isStream =
      "data:".startsWith(this.#rest.slice(0, 5)) || "event:".startsWith(this.#rest.slice(0, 6));
    return isStream && this.#read <= MAX_OPENING_CHARACTERS ? "more" : "content";
  }
}

function verdictOfLine(line: string): OpeningVerdict {
  if (line === "" || line.startsWith(":") || line.startsWith("event:")) {
    return "more";
  }
  if (!line.startsWith("data:")) {
    return "content";
  }
  try {
    const event = parseJson(line.slice("data:".length));
    return isJsonObject(event) ? verdictOfEvent(event) : "content";
  } catch {
    return "content";
  }
}

function verdictOfEvent(event: JsonObject): OpeningVerdict {
  const type = event.get("type") ?? null;
  const error = event.get("error") ?? null;
  if (error !== null || type === "error" || type === "response.failed") {
    return "error";
  }
  if (OPENING_TYPES.has(type)) {
    return "more";
  }
  const choices = event.get("choices");
  return Array.isArray(choices) && choices.length > 0 && choices.every(isRoleAlone) ? "more" : "content";
}

/** A chat's first chunk: who speaks, and nothing said. */
function isRoleAlone(choice: JsonValue): boolean {
  const delta = isJsonObject(choice) ? choice.get("delta") : undefined;
  return (
    isJsonObject(choice) &&
    isJsonObject(delta) &&
    (choice.get("finish_reason") ?? null) === null &&
    [...delta].every(([name, value]) => name === "role" || value === "" || value === null)
  );
}
