import { ApiError } from "../api-error.ts";
import type { JsonFloat, JsonObject, JsonValue } from "../json/json-value.ts";
import { dictionary } from "../validation/containers.ts";
import { issue, Issues, type Issue } from "../validation/issue.ts";
import { issuesError } from "../validation/issue-text.ts";
import { float, string } from "../validation/scalars.ts";
import {
  addFieldsSet,
  freshState,
  isIssues,
  nullable,
  type ValidationState,
  type Validator,
} from "../validation/validator.ts";

/** One field of a request. */
export interface RequestField<T> {
  readonly validator: Validator<unknown>;
  /** From the validator's value to the request's; absent when they are the same. */
  readonly convert?: (value: never) => T;
  /** Value when the field is missing; undefined when it must be there. */
  readonly fallback: T | undefined;
}

/** A field with the value it has when it is missing. */
export function field<T>(validator: Validator<T>, fallback: NoInfer<T>): RequestField<T> {
  return { validator, fallback };
}

/** A field that must be there. */
export function requiredField<T>(validator: Validator<T>): RequestField<T> {
  return { validator, fallback: undefined };
}

/** A float with a default. */
export function floatField(fallback: number): RequestField<number> {
  return { validator: float, convert: (value: JsonFloat) => value.value, fallback };
}

/** A float or null, null when missing. */
export function optionalFloatField(): RequestField<number | null> {
  return {
    validator: nullable(float),
    convert: (value: JsonFloat | null) => (value === null ? null : value.value),
    fallback: null,
  };
}

/** An object of floats or null, null when missing. */
export function optionalFloatMapField(): RequestField<ReadonlyMap<string, number> | null> {
  return {
    validator: nullable(dictionary(string(), float)),
    convert: (value: ReadonlyMap<string, JsonFloat> | null) =>
      value === null ? null : new Map([...value].map(([name, member]) => [name, member.value])),
    fallback: null,
  };
}

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

/** The request a table describes: the same fields, in camel case. */
export type RequestOf<Table> = {
  readonly [Name in keyof Table & string as CamelCase<Name>]: Table[Name] extends RequestField<infer T>
    ? T
    : never;
};

/** A check of the raw body before its fields are typed; may replace the body, or end the request with an error. */
export type BodyCheck = (body: JsonObject) => JsonObject;

/** How {@link compileRequest} is told what to do. */
export interface RequestDefinition<Table> {
  readonly table: Table;
  /** In the order in which they run. */
  readonly checks: readonly BodyCheck[];
}

interface CompiledField {
  readonly name: string;
  readonly property: string;
  readonly validator: Validator<unknown>;
  readonly convert: ((value: never) => unknown) | undefined;
  readonly isRequired: boolean;
}

/** A field as documents about the API describe it. */
export interface FieldShape {
  readonly name: string;
  /** Pydantic's name of its validator. */
  readonly label: string;
  readonly isRequired: boolean;
}

/** A compiled table: `read` returns the findings so that a union of requests can collect them. */
export interface RequestReader<T> {
  /** `state` learns how many fields were set, nested ones included. */
  read(body: JsonValue, state: ValidationState): T | Issues;
  /** In the table's order. */
  readonly fields: readonly FieldShape[];
}

/** Compiles a table into the function that checks a body and types it. */
export function compileRequest<Table>(definition: RequestDefinition<Table>): RequestReader<RequestOf<Table>> {
  const entries = Object.entries(definition.table as Readonly<Record<string, RequestField<unknown>>>);
  const fields = entries.map(([name, { validator, convert, fallback }]): CompiledField => ({
    name,
    property: camelCase(name),
    validator,
    convert,
    isRequired: fallback === undefined,
  }));
  const byName = new Map(fields.map((compiled) => [compiled.name, compiled]));
  const requiredCount = fields.filter((compiled) => compiled.isRequired).length;
  const defaults: Record<string, unknown> = Object.fromEntries(
    entries.map(([name, { fallback }]) => [camelCase(name), fallback]),
  );
  const { checks } = definition;

  return {
    fields: fields.map(({ name, validator, isRequired }) => ({ name, label: validator.label, isRequired })),
    read(raw, state): RequestOf<Table> | Issues {
      if (!(raw instanceof Map)) {
        const message = "Input should be a valid dictionary or object to extract fields from";
        return issue("model_attributes_type", message, raw);
      }
      let body = raw as JsonObject;
      for (const check of checks) body = check(body);
      // In the body's order, as most bodies name few of the fields. Findings, and errors that validators throw, come in
      // the table's order: then everything is done again.
      let request: RequestOf<Table> | undefined;
      try {
        request = readFields(body, state);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
      }
      return request ?? collectIssues(body, fields, state);
    },
  };

  function readFields(body: JsonObject, state: ValidationState): RequestOf<Table> | undefined {
    const request: Record<string, unknown> = { ...defaults };
    let missing = requiredCount;
    let given = 0;
    for (const [name, value] of body) {
      const compiled = byName.get(name);
      if (compiled === undefined) continue;
      const result = compiled.validator.validate(value, state);
      if (isIssues(result)) return undefined;
      given++;
      if (compiled.isRequired) missing--;
      request[compiled.property] =
        compiled.convert === undefined ? result : compiled.convert(result as never);
    }
    addFieldsSet(state, given);
    return missing === 0 ? (request as RequestOf<Table>) : undefined;
  }
}

/**
 * Checks and types a body.
 *
 * @throws {@link ApiError} with vLLM's text.
 */
export function parseWith<T>(reader: Pick<RequestReader<T>, "read">, body: JsonValue): T {
  if (body === null) throw issuesError(issue("missing", "Field required", body));
  const result = reader.read(body, freshState());
  if (isIssues(result)) throw issuesError(result);
  return result;
}

function collectIssues(
  body: JsonObject,
  fields: readonly CompiledField[],
  { isPython = false }: ValidationState,
): Issues {
  const found: Issue[] = [];
  for (const { name, validator, isRequired } of fields) {
    const value = body.get(name);
    if (value === undefined) {
      if (isRequired) found.push(...issue("missing", "Field required", body).under(name).list);
      continue;
    }
    const result = validator.validate(value, { ...freshState(), isPython });
    if (isIssues(result)) found.push(...result.under(name).list);
  }
  return new Issues(found);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z\d])/g, (_, letter: string) => letter.toUpperCase());
}
