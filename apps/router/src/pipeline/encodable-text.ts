import { badRequestError } from "@vllm-router/api";
import type { Tokenizer } from "@vllm-router/text";

/**
 * Refuses a text with half a surrogate pair: JSON and Python can hold it, no tokenizer can encode it.
 * @throws ApiError 400 with vLLM's text
 */
export function checkEncodable(text: string, tokenizer: Pick<Tokenizer, "isWellFormed">): void {
  if (!tokenizer.isWellFormed(text)) {
    throw badRequestError(
      "TextEncodeInput must be Union[TextInputSequence, Tuple[InputSequence, InputSequence]]",
    );
  }
}
