import { CAPABILITIES, type EngineDialect } from "@vllm-router/engine-client";

/**
 * Fields that a dialect has no place for: a request that uses one is refused with 501 naming it. The same lists are in
 * `docs/compatibility.md`.
 */
export function uncarriedFields(dialect: EngineDialect): ReadonlySet<string> {
  return CAPABILITIES[dialect].unsupportedFields;
}

/** Those of the VllmEngine dialect. */
export const UNCARRIED_FIELDS: ReadonlySet<string> = uncarriedFields("vllm-engine");
