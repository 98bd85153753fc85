import type { JsonObject, JsonValue } from "../json/json-value.ts";

/** One finding of a validator: a line of pydantic's error list. */
export interface Issue {
  /** Pydantic's name of the kind, e.g. `string_type`. */
  readonly type: string;
  /** Names, indexes and union labels from the innermost outwards. */
  readonly reversedPath: (string | number)[];
  readonly message: string;
  /** The value that was refused. */
  readonly input: JsonValue;
  /** Details that pydantic adds under `ctx`. */
  readonly context: JsonObject | undefined;
  /** Text of the `ValueError` that a check of vLLM's own raised; printed under `ctx`. */
  readonly error?: string;
}

/** What a validator returns instead of a value. */
export class Issues {
  readonly list: readonly Issue[];

  constructor(list: readonly Issue[]) {
    this.list = list;
  }

  /** The same findings one level further out. */
  under(...segments: readonly (string | number)[]): this {
    for (const issue of this.list) issue.reversedPath.push(...segments);
    return this;
  }
}

/** A single finding about `input`. */
export function issue(type: string, message: string, input: JsonValue): Issues {
  return new Issues([{ type, reversedPath: [], message, input, context: undefined }]);
}

/** A single finding with details. */
export function issueWithContext(found: {
  readonly type: string;
  readonly message: string;
  readonly input: JsonValue;
  readonly context: readonly (readonly [string, JsonValue])[];
}): Issues {
  const { type, message, input } = found;
  return new Issues([{ type, reversedPath: [], message, input, context: new Map(found.context) }]);
}

/** What pydantic makes of a `ValueError` that one of vLLM's own checks raised. */
export function valueError(message: string, input: JsonValue): Issues {
  const found = {
    type: "value_error",
    reversedPath: [],
    message: `Value error, ${message}`,
    input,
    context: undefined,
  };
  return new Issues([{ ...found, error: message }]);
}
