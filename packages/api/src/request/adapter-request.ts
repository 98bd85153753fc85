import type { JsonValue } from "../json/json-value.ts";
import { boolean, integer, string } from "../validation/scalars.ts";
import { nullable } from "../validation/validator.ts";
import { compileRequest, field, parseWith, type RequestOf, requiredField } from "./request-table.ts";

/** Body of `POST /v1/load_lora_adapter`. */
const loadTable = {
  lora_name: requiredField(string()),
  lora_path: requiredField(string()),
  load_inplace: field(boolean, false),
  is_3d_lora_weight: field(boolean, false),
} as const;

/** Body of `POST /v1/unload_lora_adapter`. */
const unloadTable = {
  lora_name: requiredField(string()),
  lora_int_id: field(nullable(integer()), null),
} as const;

/** A checked body of `POST /v1/load_lora_adapter`. */
export type LoadAdapterRequest = RequestOf<typeof loadTable>;
/** A checked body of `POST /v1/unload_lora_adapter`. */
export type UnloadAdapterRequest = RequestOf<typeof unloadTable>;

const loadReader = compileRequest({ table: loadTable, checks: [] });
const unloadReader = compileRequest({ table: unloadTable, checks: [] });

/** @throws {@link ApiError} with vLLM's text */
export function parseLoadAdapterRequest(body: JsonValue): LoadAdapterRequest {
  return parseWith(loadReader, body);
}

/** @throws {@link ApiError} with vLLM's text */
export function parseUnloadAdapterRequest(body: JsonValue): UnloadAdapterRequest {
  return parseWith(unloadReader, body);
}
