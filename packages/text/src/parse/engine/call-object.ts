import { dumpJson, PLAIN_JSON } from "../../template/python/json-dump.ts";
import { parseJson } from "../../template/python/parse-json.ts";
import { strip } from "../../template/python/whitespace.ts";
import { isFields } from "../schema-types.ts";

/** Name of a call, empty where there is none, and JSON of its arguments. */
export interface NamedArguments {
  readonly name: string;
  readonly json: string;
}

/** Name and arguments of a call that is one JSON object. */
export function readCallObject(raw: string): NamedArguments {
  const body = strip(raw, "both");
  if (body === "") return { name: "", json: "{}" };
  const parsed = parseJson(body);
  if (!isFields(parsed)) return { name: "", json: body };
  const name = parsed.get("name");
  const member = ["arguments", "parameters"].find((key) => parsed.has(key));
  const given =
    (member === undefined ? undefined : parsed.get(member)) ??
    (member === undefined ? new Map([...parsed].filter(([key]) => key !== "name")) : null);
  const json = typeof given === "string" ? given : dumpJson(given, PLAIN_JSON);
  return { name: typeof name === "string" ? name : "", json };
}
