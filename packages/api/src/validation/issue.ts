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
  /** Message of the `ValueError` that a validator of vLLM's own raised; it is all of `ctx` then. */
  readonly raised?: string;
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

/** A single finding of one of vLLM's own validators, which raise a Python `ValueError`. */
export function raisedIssue(message: string, input: JsonValue): Issues {
  const text = `Value error, ${message}`;
  return new Issues([
    { type: "value_error", reversedPath: [], message: text, input, context: undefined, raised: message },
  ]);
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
