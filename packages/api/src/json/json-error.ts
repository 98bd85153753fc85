/** Why a text is not JSON: `syntax` as Python's decoder says it, `refused` what Python's decoder gives up on. */
export type JsonErrorCode = "syntax" | "refused";

/**
 * Raised by {@link parseJson}. `syntax` errors carry the message and the position (in code points, as Python counts)
 * of Python's `json.JSONDecodeError`; `refused` is nesting too deep, an integer too long, or bytes that are no text.
 */
export class JsonError extends Error {
  override readonly name = "JsonError";
  readonly code: JsonErrorCode;
  /** Code points before the error; 0 for `refused`. */
  readonly position: number;

  constructor(code: JsonErrorCode, message: string, position: number) {
    super(message);
    this.code = code;
    this.position = position;
  }
}
