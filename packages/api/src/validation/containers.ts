import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { issue, Issues, issueWithContext, type Issue } from "./issue.ts";
import { plural } from "./scalars.ts";
import { freshState, isIssues, type Validator } from "./validator.ts";

/** Bounds of {@link list}. */
export interface ListBounds {
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** An array with items of one kind. */
export function list<T>(item: Validator<T>, bounds: ListBounds = {}): Validator<readonly T[]> {
  const { minLength = 0, maxLength = Number.MAX_SAFE_INTEGER } = bounds;
  return {
    label: `list[${item.label}]`,
    validate(input, state) {
      if (!isJsonArray(input)) return issue("list_type", "Input should be a valid list", input);
      if (input.length > maxLength) {
        return issueWithContext({
          type: "too_long",
          message: `List should have at most ${plural(maxLength, "item")} after validation, not ${input.length}`,
          input,
          context: [
            ["field_type", "List"],
            ["max_length", maxLength],
            ["actual_length", input.length],
          ],
        });
      }
      const values: T[] = [];
      let found: Issue[] | undefined;
      for (let index = 0; index < input.length; index++) {
        const value = item.validate(input[index] as JsonValue, state);
        if (isIssues(value)) (found ??= []).push(...value.under(index).list);
        else values.push(value);
      }
      if (found !== undefined) return new Issues(found);
      if (values.length >= minLength) return values;
      return issueWithContext({
        type: "too_short",
        message: `List should have at least ${plural(minLength, "item")} after validation, not ${values.length}`,
        input,
        context: [
          ["field_type", "List"],
          ["min_length", minLength],
          ["actual_length", values.length],
        ],
      });
    },
  };
}

/** Python's `tuple` of two items of one kind. */
export function pair<T>(item: Validator<T>): Validator<readonly T[]> {
  const items = list(item);
  return {
    label: `tuple[${item.label}, ${item.label}]`,
    validate(input, state) {
      if (!isJsonArray(input)) return issue("tuple_type", "Input should be a valid tuple", input);
      if (input.length > 2) {
        return issueWithContext({
          type: "too_long",
          message: `Tuple should have at most 2 items after validation, not ${input.length}`,
          input,
          context: [
            ["field_type", "Tuple"],
            ["max_length", 2],
            ["actual_length", input.length],
          ],
        });
      }
      const values = items.validate(input, state);
      const missing = [0, 1].slice(input.length);
      if (missing.length === 0) return values;
      const absent = missing.flatMap((at) => issue("missing", "Field required", input).under(at).list);
      return new Issues([...(values instanceof Issues ? values.list : []), ...absent]);
    },
  };
}

/** Python's abstract `Sequence` of items of one kind: an array, but other words for what is none. */
export function sequence<T>(
  item: Validator<T>,
  bounds: Pick<ListBounds, "minLength"> = {},
): Validator<readonly T[]> {
  const { minLength = 0 } = bounds;
  const items = list(item);
  return {
    label: `function-wrap[sequence[${item.label}]]`,
    validate(input, state) {
      if (typeof input === "string") {
        return issueWithContext({
          type: "sequence_str",
          message: "'str' instances are not allowed as a Sequence value",
          input,
          context: [["type_name", "str"]],
        });
      }
      if (!isJsonArray(input)) {
        return issueWithContext({
          type: "is_instance_of",
          message: "Input should be an instance of Sequence",
          input,
          context: [["class", "Sequence"]],
        });
      }
      const values = items.validate(input, state);
      if (isIssues(values) || values.length >= minLength) return values;
      return issueWithContext({
        type: "too_short",
        message: `Value should have at least ${plural(minLength, "item")} after validation, not ${values.length}`,
        input,
        context: [
          ["field_type", "Value"],
          ["min_length", minLength],
          ["actual_length", values.length],
        ],
      });
    },
  };
}

/** An object with keys and values of one kind each. */
export function dictionary<T>(
  key: Validator<string>,
  value: Validator<T>,
): Validator<ReadonlyMap<string, T>> {
  return {
    label: `dict[${key.label},${value.label}]`,
    validate(input, state) {
      if (!(input instanceof Map)) return issue("dict_type", "Input should be a valid dictionary", input);
      const values = new Map<string, T>();
      let found: Issue[] | undefined;
      for (const [name, member] of input as JsonObject) {
        const goodName = key.validate(name, state);
        if (isIssues(goodName)) (found ??= []).push(...goodName.under("[key]", name).list);
        const goodMember = value.validate(member, state);
        if (isIssues(goodMember)) (found ??= []).push(...goodMember.under(name).list);
        else if (!isIssues(goodName)) values.set(goodName, goodMember);
      }
      return found === undefined ? values : new Issues(found);
    },
  };
}

/**
 * A list whose items were refused. Pydantic looks at the items of an `Iterable` only when they are read, so the
 * object around it is valid and the failure comes later.
 */
export class UnreadableList {
  readonly issues: Issues;

  constructor(issues: Issues) {
    this.issues = issues;
  }
}

/**
 * An `Iterable` with items of one kind: items are looked at here, but a bad one does not make the value invalid, see
 * {@link UnreadableList}. As in Python an object counts as its keys, a string as its characters.
 */
export function iterable(item: Validator): Validator<JsonValue | UnreadableList> {
  return {
    label: `generator[${item.label}]`,
    validate(input) {
      const items = itemsOf(input);
      if (items === undefined) return issue("iterable_type", "Input should be iterable", input);
      const values: JsonValue[] = [];
      for (let index = 0; index < items.length; index++) {
        const value = item.validate(items[index] as JsonValue, freshState());
        if (isIssues(value)) return new UnreadableList(value.under(index));
        values.push(value);
      }
      return values;
    },
  };
}

function itemsOf(input: JsonValue): readonly JsonValue[] | undefined {
  if (isJsonArray(input)) return input;
  if (typeof input === "string") return [...input];
  return input instanceof Map ? [...(input as JsonObject).keys()] : undefined;
}
