import type { ApiError, BeamSearchSettings, ResponseWriter } from "@vllm-router/api";
import type {
  GenerateRequest,
  OptionalField,
  RecurringPrompt,
  SamplingParameters,
} from "@vllm-router/engine-client";
import type { RepetitionRule } from "@vllm-router/text";
import type { DecisionListener } from "../decisions/explained-decision.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";

/** One prompt of a request, ready for an engine. Prepared once, reused by every attempt. */
export interface PreparedPrompt {
  readonly tokenIds: Int32Array;
  /** Undefined for a prompt that is not expected again. */
  readonly recurring?: RecurringPrompt | undefined;
  /** Text as it is echoed; undefined when nothing echoes it. */
  readonly text: string | undefined;
  /** Per prompt, because the room left for output depends on the prompt's length. */
  readonly sampling: SamplingParameters;
}

/** A beam search instead of sampling. */
export interface BeamPlan {
  readonly settings: BeamSearchSettings;
  /** Tokens that a step proposes for each beam. */
  readonly candidates: number;
  /** Sampling of one step. */
  readonly stepSampling: SamplingParameters;
}

/** Fields of a request that travel to the engine as they are, where its dialect has a place for them. */
export type EngineFields = Pick<
  GenerateRequest,
  "cacheSalt" | "ecTransferParams" | "loraName" | "priority" | "sessionId"
>;

/** Everything a validated request wants of engines and of its answer. */
export interface RequestPlan {
  /** Id of the answer, `chatcmpl-…` or `cmpl-…`; engine ids are derived from it. */
  readonly responseId: string;
  readonly model: ModelRuntime;
  readonly prompts: readonly PreparedPrompt[];
  /** Adds to `prompts` what the outputs of all earlier ones make necessary; called whenever they have ended. Default nothing. */
  readonly furtherPrompts?: () => void;
  readonly stream: boolean;
  readonly writer: ResponseWriter;
  /** Fields of the request that not every dialect can carry. */
  readonly requiredFields: readonly OptionalField[];
  /** Key for session affinity; undefined when the request has none. */
  readonly routingKey: string | undefined;
  readonly rank: number | undefined;
  /** Hears the decisions about this request, where it asked for them. */
  readonly explained?: DecisionListener | undefined;
  readonly kvTransferParams: string | undefined;
  /** Undefined for none. */
  readonly engineFields?: EngineFields | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** Alternatives per output token that the client wants; undefined for no logprobs at all. */
  readonly wantedLogprobs: number | undefined;
  /** Alternatives per prompt token that the client wants; undefined for none. */
  readonly wantedPromptLogprobs: number | undefined;
  /** Instant (milliseconds since the epoch) at which every call of the request fails, beside its own deadline. */
  readonly deadlineAtMs?: number | undefined;
  /** Undefined for a request that samples. */
  readonly beam?: BeamPlan | undefined;
  /** `stream_interval` of a stream: tokens told at once. Undefined for 1. */
  readonly streamInterval?: number | undefined;
  /** Whether its answer says how long it took: one sequence of one prompt, where the server shows that. Default false. */
  readonly measures?: boolean;
  /** `repetition_detection`, which the router does itself; undefined for none. */
  readonly repetition?: RepetitionRule | undefined;
  /** What the client is told when the engine cannot compile its constraint; undefined for the engine's own words. */
  readonly constraintRefusal?: ApiError | undefined;
  /** Refusal that vLLM makes when it starts to generate: a stream has begun by then and carries it as its only event. */
  readonly lateError: ApiError | undefined;
}
