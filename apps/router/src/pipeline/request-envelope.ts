import type { JsonValue, WriterSettings } from "@vllm-router/api";
import type { DecisionListener } from "../decisions/explained-decision.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { PrepareSettings } from "./prepare-settings.ts";

/** What a route knows of a generating request beside its body. */
export interface RequestEnvelope {
  /** Id of the answer, prefix included. */
  readonly responseId: string;
  /** Unix seconds. */
  readonly created: number;
  readonly model: ModelRuntime;
  /**
   * What the body has for messages, as it has it; empty where there is no such list. Those that came before, in another body, are the very same
   * objects: see `BodyMemory`.
   */
  readonly sources?: readonly JsonValue[];
  readonly settings: PrepareSettings;
  readonly writerSettings: WriterSettings;
  readonly routingKey: string | undefined;
  /** `X-data-parallel-rank`. */
  readonly rank: number | undefined;
  /** `X-Vllm-Priority`, which counts more than the body's field; undefined for none. */
  readonly priority?: number | undefined;
  /** `X-Session-ID`, which counts where the body names no session. */
  readonly sessionId?: string | undefined;
  /** Hears the decisions about this request, where it asked for them and may. */
  readonly explained?: DecisionListener | undefined;
  /** Metadata for the engine, such as `traceparent`. */
  readonly metadata: Readonly<Record<string, string>> | undefined;
}
