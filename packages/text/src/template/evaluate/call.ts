import { fail } from "../python/failure.ts";
import { typeName } from "../python/kind.ts";
import { NO_KEYWORDS, PythonObject, type KeywordArguments, type Value } from "../python/value.ts";

/** `callee(*positional, **keyword)`. */
export function callValue(
  callee: Value,
  positional: readonly Value[],
  keyword: KeywordArguments = NO_KEYWORDS,
): Value {
  const callable = callee instanceof PythonObject ? callee.callable : undefined;
  return callable === undefined
    ? fail(`'${typeName(callee)}' object is not callable`)
    : callable(positional, keyword);
}
