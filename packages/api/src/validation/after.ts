import { raisedIssue } from "./issue.ts";
import { isIssues, type Validator } from "./validator.ts";

/**
 * Looks at a value once it is valid. A text refuses it, as a `ValueError` raised in one of vLLM's own validators does;
 * undefined lets it pass.
 */
export function after<T>(validator: Validator<T>, refusal: (value: T) => string | undefined): Validator<T> {
  return {
    label: `function-after[${validator.label}]`,
    validate(input, state) {
      const value = validator.validate(input, state);
      if (isIssues(value)) return value;
      const message = refusal(value);
      return message === undefined ? value : raisedIssue(message, input);
    },
  };
}
