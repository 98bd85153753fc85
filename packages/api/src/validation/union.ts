import { Issues, type Issue } from "./issue.ts";
import {
  addFieldsSet,
  EXACT,
  floorExactness,
  isIssues,
  LAX,
  type Validated,
  type Validator,
} from "./validator.ts";

/**
 * The member that fits best, in pydantic's "smart mode": most fields given, then least conversion, then the first.
 * When none fits, the findings of all of them, each under its label.
 */
export function union<const M extends readonly Validator<unknown>[]>(
  ...members: M
): Validator<Validated<M[number]>> {
  return {
    label: `union[${members.map((member) => member.label).join(",")}]`,
    validate(input, state) {
      const { exactness: outerExactness, fieldsSet: outerFieldsSet } = state;
      let best:
        | { readonly value: unknown; readonly exactness: number; readonly fieldsSet: number | undefined }
        | undefined;
      const found: Issue[] = [];
      for (const member of members) {
        state.exactness = EXACT;
        state.fieldsSet = undefined;
        const value = member.validate(input, state);
        if (isIssues(value)) {
          if (best === undefined) found.push(...value.under(member.label).list);
          continue;
        }
        const exactness: number = state.exactness ?? LAX;
        const fieldsSet: number | undefined = state.fieldsSet;
        if (exactness === EXACT && fieldsSet === undefined) {
          best = { value, exactness, fieldsSet };
          break;
        }
        if (best === undefined || isBetter(best, { exactness, fieldsSet }))
          best = { value, exactness, fieldsSet };
      }
      state.exactness = outerExactness;
      state.fieldsSet = outerFieldsSet;
      if (best === undefined) return new Issues(found);
      floorExactness(state, best.exactness);
      if (best.fieldsSet !== undefined) addFieldsSet(state, best.fieldsSet);
      return best.value as Validated<M[number]>;
    },
  };
}

interface Fit {
  readonly exactness: number;
  readonly fieldsSet: number | undefined;
}

function isBetter(current: Fit, candidate: Fit): boolean {
  const { fieldsSet } = current;
  if (fieldsSet !== undefined && candidate.fieldsSet !== undefined && fieldsSet !== candidate.fieldsSet) {
    return fieldsSet < candidate.fieldsSet;
  }
  return current.exactness < candidate.exactness;
}
