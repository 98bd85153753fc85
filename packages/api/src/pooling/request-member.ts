import type { JsonValue } from "../json/json-value.ts";
import type { RequestReader } from "../request/request-table.ts";
import { issuesError } from "../validation/issue-text.ts";
import { issue, type Issues } from "../validation/issue.ts";
import { union } from "../validation/union.ts";
import { floorExactness, freshState, isIssues, LAX, type Validator } from "../validation/validator.ts";

/** One form of a request that has several: its table's result, made into what the server works with. */
export function requestMember<TFields, T>(
  reader: RequestReader<TFields>,
  convert: (fields: TFields, body: JsonValue) => T | Issues,
): Validator<T> {
  return {
    // Pydantic's label of a model with validators of its own; places in bodies never show it.
    label: "function-before[model]",
    validate(input, state) {
      const fields = reader.read(input, state);
      if (isIssues(fields)) return fields;
      floorExactness(state, LAX);
      return convert(fields, input);
    },
  };
}

/**
 * Reads a body as the form that fits it best, as pydantic does.
 *
 * @throws {@link ApiError} with the findings of all forms when it fits none.
 */
export function parseForms<T>(forms: readonly Validator<T>[], body: JsonValue): T {
  if (body === null) throw issuesError(issue("missing", "Field required", body));
  const [only] = forms;
  const validator = forms.length === 1 && only !== undefined ? only : union(...forms);
  const result = validator.validate(body, freshState());
  if (isIssues(result)) throw issuesError(result);
  return result as T;
}
