import type { EncodedAnswer, PooledPrompt } from "@vllm-router/api";
import type { OptionalField } from "@vllm-router/engine-client";
import type { DecisionListener } from "../decisions/explained-decision.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";

/** Everything a validated pooling request wants of engines and of its answer. */
export interface EmbeddingPlan {
  /** Id of the answer; engine ids are derived from it. */
  readonly responseId: string;
  readonly model: ModelRuntime;
  /** One engine call each. At least one. */
  readonly prompts: readonly Int32Array[];
  /** Fields of the request that not every dialect can carry. */
  readonly requiredFields: readonly OptionalField[];
  /** Key for session affinity; undefined when the request has none. */
  readonly routingKey: string | undefined;
  /** Hears the decisions about this request, where it asked for them. */
  readonly explained?: DecisionListener | undefined;
  /** Metadata for the engine, such as `traceparent`. */
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** The answer, from what engines made of the prompts, in their order. @throws ApiError */
  answer(pooled: readonly PooledPrompt[]): EncodedAnswer;
}
