import { badRequestError } from "@vllm-router/api";

/** ECMAScript 2024; declared here because the packages are typed for 2023. */
interface WellFormedString {
  isWellFormed(): boolean;
}

/**
 * Refuses a text with half a surrogate pair: JSON and Python can hold it, no tokenizer can encode it.
 * @throws ApiError 400 with vLLM's text
 */
export function checkEncodable(text: string): void {
  if (!(text as unknown as WellFormedString).isWellFormed()) {
    throw badRequestError(
      "TextEncodeInput must be Union[TextInputSequence, Tuple[InputSequence, InputSequence]]",
    );
  }
}
