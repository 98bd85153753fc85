/**
 * Why a text operation failed. Closed list; the application maps each code to an HTTP answer.
 *
 * - `template_failed`: the chat template refused the conversation or broke while rendering (the client's input).
 * - `template_invalid`: the chat template itself cannot be parsed or compiled.
 * - `message_invalid`: a chat message cannot be given to a template (the client's input).
 * - `tokenizer_unsupported`: the tokenizer is of a kind this package cannot run.
 * - `parser_unsupported`: a parser of model output needs a token that the tokenizer lacks.
 * - `tokenizer_invalid`: the tokenizer files are broken or contradict each other.
 */
export type TextErrorCode =
  | "template_failed"
  | "template_invalid"
  | "message_invalid"
  | "parser_unsupported"
  | "tokenizer_unsupported"
  | "tokenizer_invalid";

/** Details of a {@link TextError}. */
export interface TextErrorOptions {
  /** The error this one was converted from. */
  readonly cause?: unknown;
  /** Name of the request field at fault, where one is known (the `param` of an OpenAI error object). */
  readonly parameter?: string;
}

/** The one error class of this package. The message is written for the client. */
export class TextError extends Error {
  override readonly name = "TextError";
  readonly code: TextErrorCode;
  /** Name of the request field at fault, where one is known. */
  readonly parameter: string | undefined;

  constructor(code: TextErrorCode, message: string, options: TextErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.parameter = options.parameter;
  }
}
