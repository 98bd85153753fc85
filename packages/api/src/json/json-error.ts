/** Why a text is not JSON: `syntax` as Python's decoder says it, `refused` and `too-deep` what it gives up on. */
export type JsonErrorCode = "syntax" | "refused" | "too-deep";

/**
 * Raised by {@link parseJson}. `syntax` errors carry the message and the position (in code points, as Python counts)
 * of Python's `json.JSONDecodeError`; `refused` is an integer too long, or bytes that are no text, in Python's words where
 * they are UTF-8; `too-deep` is nesting.
 */
export class JsonError extends Error {
  override readonly name = "JsonError";
  readonly code: JsonErrorCode;
  /** Code points before the error; 0 for the others. */
  readonly position: number;

  constructor(code: JsonErrorCode, message: string, position: number) {
    super(message);
    this.code = code;
    this.position = position;
  }
}
