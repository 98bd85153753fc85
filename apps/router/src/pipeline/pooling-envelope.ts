import type { EncodeBase64 } from "@vllm-router/api";
import type { OptionalField } from "@vllm-router/engine-client";
import type { DecisionListener } from "../decisions/explained-decision.ts";
import type { EmbeddingPlan } from "./embedding-plan.ts";
import type { PoolingModel } from "./encode-pooling-prompt.ts";
import type { PrepareSettings } from "./prepare-settings.ts";

/** What a route knows of a pooling request beside its body. */
export interface PoolingEnvelope {
  /** Part of the answer's id after its prefix. */
  readonly baseId: string;
  /** Unix seconds. */
  readonly created: number;
  /** The model by whose rules the request is checked: the one it names, or the only one there is. */
  readonly model: PoolingModel;
  /** Call at the point at which vLLM looks the model up. @throws ApiError when the request names an unknown model */
  readonly requireModel: () => void;
  readonly settings: PrepareSettings;
  readonly requiredFields: readonly OptionalField[];
  readonly routingKey: string | undefined;
  /** Hears the decisions about this request, where it asked for them. */
  readonly explained: DecisionListener | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly encodeBase64: EncodeBase64;
}

/** The plan's part that comes from the envelope. */
export function planHead(
  envelope: PoolingEnvelope,
  idPrefix: string,
): Omit<EmbeddingPlan, "prompts" | "answer"> {
  const { baseId, model, requiredFields, routingKey, explained, metadata } = envelope;
  return { responseId: `${idPrefix}-${baseId}`, model, requiredFields, routingKey, explained, metadata };
}
