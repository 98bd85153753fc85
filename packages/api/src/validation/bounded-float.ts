import { JsonFloat } from "../json/json-value.ts";
import { issueWithContext } from "./issue.ts";
import { float } from "./scalars.ts";
import { isIssues, type Validator } from "./validator.ts";

/** A float between two bounds, both included. */
export function boundedFloat(bounds: {
  readonly atLeast: number;
  readonly atMost: number;
}): Validator<JsonFloat> {
  const { atLeast, atMost } = bounds;
  return {
    label: "constrained-float",
    validate(input, state) {
      const value = float.validate(input, state);
      if (isIssues(value)) return value;
      if (value.value > atMost) {
        return issueWithContext({
          type: "less_than_equal",
          message: `Input should be less than or equal to ${atMost}`,
          input,
          context: [["le", new JsonFloat(atMost)]],
        });
      }
      if (value.value >= atLeast) return value;
      return issueWithContext({
        type: "greater_than_equal",
        message: `Input should be greater than or equal to ${atLeast}`,
        input,
        context: [["ge", new JsonFloat(atLeast)]],
      });
    },
  };
}
