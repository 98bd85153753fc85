import { badRequestError } from "@vllm-router/api";

const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Refuses a text with half a surrogate pair: JSON and Python can hold it, no tokenizer can encode it.
 * @throws ApiError 400 with vLLM's text
 */
export function checkEncodable(text: string): void {
  if (LONE_SURROGATE.test(text)) {
    throw badRequestError(
      "TextEncodeInput must be Union[TextInputSequence, Tuple[InputSequence, InputSequence]]",
    );
  }
}
