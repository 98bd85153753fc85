import { VLLM_ENGINE_CAPABILITIES } from "@vllm-router/engine-client";

/** Fields that the VllmEngine dialect has no place for: a request that uses one is refused with 501 naming it. */
export const UNCARRIED_FIELDS: ReadonlySet<string> = VLLM_ENGINE_CAPABILITIES.unsupportedFields;
