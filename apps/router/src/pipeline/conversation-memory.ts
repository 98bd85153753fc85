import { isJsonArray, isJsonObject, type JsonValue } from "@vllm-router/api";
import type { RecurringPrompt } from "@vllm-router/engine-client";
import { continueEncoding, type CutEncoding, type EncodingCut, type Tokenizer } from "@vllm-router/text";

/** A conversation as its template made a text of it. */
export interface RenderedConversation {
  /** See `RequestEnvelope.sources`. */
  readonly sources: readonly unknown[];
  /** The text, in pieces that mostly end where a message does. */
  readonly pieces: readonly string[];
}

/** What a body has for messages, whatever its API calls them: for {@link RenderedConversation.sources}. */
export function sourcesOf(body: JsonValue): readonly JsonValue[] {
  const list = isJsonObject(body) ? (body.get("messages") ?? body.get("input")) : undefined;
  return isJsonArray(list) ? list : [];
}

/** Ids of a conversation. */
export interface EncodedConversation {
  readonly tokenIds: Int32Array;
  readonly recurring: RecurringPrompt;
}

/** More than the longest added token has. */
const MOST_SHARED_UNITS = 128;

/** The latest state of a conversation. */
interface Remembered {
  readonly tokenizer: Tokenizer;
  pieces: readonly string[];
  encoding: CutEncoding;
}

/** What a conversation has in common with an earlier one. */
interface Beginning {
  readonly of: Remembered;
  /** The first pieces of both. */
  readonly pieces: number;
  readonly cut: EncodingCut;
}

/**
 * The ids of conversations, so that of one that comes again some turns longer only what is new is encoded.
 *
 * Found by its messages: whatever parses requests gives the messages that came before as the same objects again. What is remembered hangs
 * on them, and is gone when nobody has them any more, so the bound is that of whoever keeps them. Whether two texts begin alike
 * is seen by the texts, whatever the template makes of the messages.
 */
export class ConversationMemory {
  /** By the message that was the last one, of every turn of it. */
  readonly #conversations = new WeakMap<object, Remembered>();

  /**
   * Encodes a conversation without special tokens around it, and remembers it in place of its earlier turns.
   * @param encode encodes a text; called once. What it throws is thrown
   */
  encode(
    { sources, pieces }: RenderedConversation,
    tokenizer: Tokenizer,
    encode: (text: string) => CutEncoding,
  ): EncodedConversation {
    const last = sources.at(-1);
    const key = last instanceof Map ? last : {};
    const beginning = this.#find({ sources, pieces }, tokenizer);
    if (beginning === undefined) {
      const encoding = encode(joined(pieces, 0));
      this.#conversations.set(key, { tokenizer, pieces, encoding });
      return { tokenIds: encoding.tokenIds, recurring: { earlier: undefined, shared: 0 } };
    }
    const { of: conversation, cut } = beginning;
    const earlier = conversation.encoding;
    const encoding = continueEncoding(earlier, cut, encode(joined(pieces, cut.units)));
    // Of pieces that are equal the earlier ones are kept, so that there is one of each in memory.
    conversation.pieces = [
      ...conversation.pieces.slice(0, beginning.pieces),
      ...pieces.slice(beginning.pieces),
    ];
    conversation.encoding = encoding;
    this.#conversations.set(key, conversation);
    return { tokenIds: encoding.tokenIds, recurring: { earlier: earlier.tokenIds, shared: cut.ids } };
  }

  #find({ sources, pieces }: RenderedConversation, tokenizer: Tokenizer): Beginning | undefined {
    for (let index = sources.length - 1; index >= 0; index -= 1) {
      const source = sources[index];
      const earlier = source instanceof Map ? this.#conversations.get(source) : undefined;
      if (earlier?.tokenizer === tokenizer) {
        return beginningOf(earlier, pieces);
      }
    }
    return undefined;
  }
}

function beginningOf(earlier: Remembered, pieces: readonly string[]): Beginning | undefined {
  const most = Math.min(pieces.length, earlier.pieces.length);
  let units = 0;
  let same = 0;
  for (; same < most && pieces[same] === earlier.pieces[same]; same += 1) {
    units += pieces[same]?.length ?? 0;
  }
  units += sharedUnits(pieces[same] ?? "", earlier.pieces[same] ?? "");
  const cut = earlier.tokenizer.lastCut(earlier.encoding, units);
  return cut && { of: earlier, pieces: same, cut };
}

/** How many units two texts begin with in common, as far as it matters: by these an added token is told that ends the piece before. */
function sharedUnits(left: string, right: string): number {
  const most = Math.min(left.length, right.length, MOST_SHARED_UNITS);
  let units = 0;
  while (units < most && left.charCodeAt(units) === right.charCodeAt(units)) {
    units += 1;
  }
  return units;
}

/** The text from a unit on. */
function joined(pieces: readonly string[], from: number): string {
  let text = "";
  let start = 0;
  for (const piece of pieces) {
    const end = start + piece.length;
    if (end > from) {
      text += start < from ? piece.slice(from - start) : piece;
    }
    start = end;
  }
  return text;
}
