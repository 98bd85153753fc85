import type { OutputParser } from "@vllm-router/text";
import type { ResponseIdentity, WriterSettings } from "../writer.ts";

/** What a writer needs to render one response. */
export interface ResponseOptions<TRequest> {
  readonly request: TRequest;
  readonly identity: ResponseIdentity;
  readonly settings: WriterSettings;
  /** Prompts of the request; 1 for chat. */
  readonly promptCount: number;
  /** Makes the parser of a choice; undefined where the model's text is the answer's text. */
  readonly parserOf?: ((choice: number) => OutputParser) | undefined;
  /** Makes up the id of a call whose parser gives none; needed where there are parsers. */
  readonly toolCallId?: (() => string) | undefined;
}

/** Content type of a stream, as vLLM sends it. */
export const STREAM_CONTENT_TYPE = "text/event-stream; charset=utf-8";

/** Content type of a whole body. */
export const JSON_CONTENT_TYPE = "application/json";
