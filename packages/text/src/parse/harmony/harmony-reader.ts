import { strip } from "../../template/python/whitespace.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import type { HarmonyHeader } from "./harmony-header.ts";
import {
  HarmonyMessageParser,
  harmonyTokens,
  type HarmonyMessage,
  type HarmonyTokens,
} from "./message-parser.ts";

const CONSTRAIN = "<|constrain|>";

/** What one token of the output did. */
export interface HarmonySegment {
  readonly channel: string | undefined;
  /** Whom the open message goes to. */
  readonly recipient: string | undefined;
  /** Text that the token completed. */
  readonly text: string;
  /** The message that the token ended. */
  readonly completed: HarmonyMessage | undefined;
}

const FINAL: HarmonyHeader = {
  role: "assistant",
  channel: "final",
  recipient: undefined,
  contentType: undefined,
};

/** Reads the messages of an output in Harmony, token by token, as vLLM's Harmony parser does. */
export interface HarmonyReader {
  /** Tokens of reasoning so far: those on `analysis`, and those on `commentary` to somebody. */
  readonly reasoningTokens: number;
  /** Takes one token. @returns undefined for a token that cannot stand where it stands */
  push(tokenId: number): HarmonySegment | undefined;
  /** Ends the output: the message that was open, or what there is of one whose header never ended. */
  end(): readonly HarmonySegment[];
}

/**
 * Makes a reader for one output.
 * @throws TextError `parser_unsupported` where the tokenizer is not that of gpt-oss
 */
export function createHarmonyReader(tokenizer: Tokenizer): HarmonyReader {
  return new TokenReader(tokenizer);
}

class TokenReader implements HarmonyReader {
  reasoningTokens = 0;
  readonly #tokenizer: Tokenizer;
  readonly #tokens: HarmonyTokens;
  readonly #messages: HarmonyMessageParser;
  /** Tokens of the message that is open, with its header. */
  #openIds: number[] = [];

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#tokens = harmonyTokens(tokenizer);
    this.#messages = new HarmonyMessageParser(tokenizer, this.#tokens);
  }

  push(tokenId: number): HarmonySegment | undefined {
    const result = this.#messages.push(tokenId);
    if (result === false) return undefined;
    const { header, lastPiece } = this.#messages;
    const recipient = harmonyRecipient(header);
    if (typeof result === "object") {
      this.#openIds = [];
      return { channel: undefined, recipient: undefined, text: "", completed: normalized(result) };
    }
    this.#openIds.push(tokenId);
    const isReasoning =
      header?.channel === "analysis" || (header?.channel === "commentary" && recipient !== undefined);
    if (isReasoning && tokenId < this.#tokens.firstSpecial) this.reasoningTokens++;
    return {
      channel: header?.channel,
      recipient,
      text: header === undefined ? "" : lastPiece,
      completed: undefined,
    };
  }

  end(): readonly HarmonySegment[] {
    const last = this.#messages.end();
    if (last === true) return [];
    if (typeof last === "object") {
      const completed = normalized(last);
      return [{ channel: last.channel, recipient: completed.recipient, text: "", completed }];
    }
    const text = this.#tokenizer.decode(this.#openIds, { skipSpecialTokens: false });
    const where = { channel: "final", recipient: undefined };
    return [
      { ...where, text, completed: undefined },
      { ...where, text: "", completed: { ...FINAL, text } },
    ];
  }
}

function normalized(message: HarmonyMessage): HarmonyMessage {
  return { ...message, recipient: harmonyRecipient(message) };
}

/** The recipient without a content type that the header glued to it. */
export function harmonyRecipient(header: HarmonyHeader | undefined): string | undefined {
  const recipient = header?.recipient;
  const mark = recipient?.indexOf(CONSTRAIN) ?? -1;
  if (recipient === undefined || mark === -1) return recipient;
  const own = strip(recipient.slice(0, mark), "right");
  return own === "" ? undefined : own;
}
