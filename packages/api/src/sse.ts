/** The event that ends every OpenAI stream. */
export const SSE_DONE = "data: [DONE]\n\n";

/** One event with a single line of data. */
export function sseEvent(data: string): string {
  return `data: ${data}\n\n`;
}

/** One event with a name and a single line of data. */
export function namedSseEvent(event: string, data: string): string {
  return `event: ${event}\ndata: ${data}\n\n`;
}

/** A comment, which clients skip: keeps an idle connection open. */
export function sseComment(text: string): string {
  return `: ${text}\n\n`;
}

/** One event as a reader sees it. */
export interface SseMessage {
  /** Name of the event; `message` when it has none. */
  readonly event: string;
  /** Lines of data joined by newlines. */
  readonly data: string;
}

/** Longest line and longest event a parser holds back, in UTF-16 code units. */
export const MAX_SSE_EVENT_LENGTH = 64 * 1024 * 1024;

/** Reads a stream of events from text in pieces of any size, as the HTML standard says. */
export interface SseParser {
  /** Feeds text; calls back for every event that became complete. */
  push(text: string): void;
}

/**
 * Creates a parser that hands each complete event to `onMessage`.
 *
 * @throws {@link RangeError} from `push` when an event grows beyond {@link MAX_SSE_EVENT_LENGTH}.
 */
export function createSseParser(onMessage: (message: SseMessage) => void): SseParser {
  let pending = "";
  let data: string | undefined;
  let event = "";
  let isFirst = true;
  let skipLineFeed = false;

  const line = (text: string): void => {
    if (text === "") {
      if (data !== undefined) onMessage({ event: event === "" ? "message" : event, data });
      data = undefined;
      event = "";
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return;
    const name = colon === -1 ? text : text.slice(0, colon);
    let value = colon === -1 ? "" : text.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (name === "data") data = data === undefined ? value : `${data}\n${value}`;
    else if (name === "event") event = value;
  };

  return {
    push(text): void {
      let buffer = pending + text;
      if (buffer === "") return;
      if (isFirst) {
        if (buffer.startsWith("\ufeff")) buffer = buffer.slice(1);
        isFirst = false;
      }
      let start = 0;
      if (skipLineFeed) {
        skipLineFeed = false;
        if (buffer.startsWith("\n")) start = 1;
      }
      for (let at = nextBreak(buffer, start); at !== -1; at = nextBreak(buffer, start)) {
        line(buffer.slice(start, at));
        start = at + 1;
        if (buffer.charCodeAt(at) !== 13) continue;
        if (start === buffer.length) skipLineFeed = true;
        else if (buffer.charCodeAt(start) === 10) start++;
      }
      pending = buffer.slice(start);
      if (pending.length + (data?.length ?? 0) > MAX_SSE_EVENT_LENGTH) {
        throw new RangeError(`An event is longer than ${MAX_SSE_EVENT_LENGTH} characters.`);
      }
    },
  };
}

function nextBreak(text: string, from: number): number {
  const feed = text.indexOf("\n", from);
  const carriageReturn = text.indexOf("\r", from);
  if (feed === -1 || carriageReturn === -1) return Math.max(feed, carriageReturn);
  return Math.min(feed, carriageReturn);
}
