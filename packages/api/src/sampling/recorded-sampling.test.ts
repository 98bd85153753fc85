import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { ApiError, errorBody } from "../api-error.ts";
import { JsonFloat, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { writeJson } from "../json/write-json.ts";
import { parseChatRequest } from "../request/chat-request.ts";
import { parseCompletionRequest } from "../request/completion-request.ts";
import { checkAgainstModel } from "./check-against-model.ts";
import { draftSampling, type GenerationRequest, type SamplingDraft } from "./draft-sampling.ts";
import { checkRequestedLengths } from "./length-checks.ts";
import type { DefaultSampling, SamplingContext } from "./sampling-context.ts";

const DEFAULT_NAMES: Readonly<Record<string, keyof DefaultSampling>> = {
  temperature: "temperature",
  top_k: "topK",
  top_p: "topP",
  min_p: "minP",
  repetition_penalty: "repetitionPenalty",
  max_tokens: "maxTokens",
  stop_token_ids: "stopTokenIds",
};

function contextOf(row: JsonObject): SamplingContext {
  const defaults = [...(row.get("defaults") as JsonObject)].map(([name, value]) => [
    DEFAULT_NAMES[name],
    value instanceof JsonFloat ? value.value : value,
  ]);
  const limit = row.get("limit") as number | null;
  return {
    defaultSampling: Object.fromEntries(defaults) as DefaultSampling,
    extraEosTokenIds: [],
    maxModelLength: 2048,
    promptTokenCount: row.get("promptTokens") as number,
    vocabularySize: 49152,
    maxLogprobs: 20,
    ...(limit === null ? {} : { maxTokensLimit: limit }),
  };
}

function caught(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return errorBody(error);
    throw error;
  }
}

/** The draft under vLLM's names. */
function named(draft: SamplingDraft, request: GenerationRequest): Readonly<Record<string, unknown>> {
  return {
    n: draft.n,
    presence_penalty: draft.presencePenalty,
    frequency_penalty: draft.frequencyPenalty,
    repetition_penalty: draft.repetitionPenalty,
    temperature: draft.temperature,
    top_p: draft.topP,
    top_k: draft.topK,
    min_p: draft.minP,
    seed: draft.seed ?? null,
    stop: draft.stop,
    stop_token_ids: draft.stopTokenIds,
    ignore_eos: request.ignoreEos,
    max_tokens: draft.maxTokens,
    min_tokens: draft.minTokens,
    logprobs: draft.logprobs ?? null,
    prompt_logprobs: draft.promptLogprobs ?? null,
    skip_special_tokens: request.skipSpecialTokens,
    spaces_between_special_tokens: request.spacesBetweenSpecialTokens,
    include_stop_str_in_output: request.includeStopStrInOutput,
    bad_words: draft.badWords,
    allowed_token_ids: draft.allowedTokenIds ?? null,
    logprob_token_ids: draft.logprobTokenIds ?? null,
    thinking_token_budget: draft.thinkingTokenBudget ?? null,
    logit_bias:
      draft.logitBias === undefined
        ? null
        : new Map([...draft.logitBias].map(([id, bias]) => [String(id), bias])),
  };
}

/** Floats as plain numbers: `1.0` and `1` are the same parameter. */
function plain(value: JsonValue | undefined): unknown {
  if (value instanceof JsonFloat) return value.value;
  if (value instanceof Map) return new Map([...value].map(([key, member]) => [key, plain(member)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

describe("recorded sampling parameters", () => {
  for (const row of readFixture("sampling.jsonl")) {
    const body = row.get("body") as string;
    it(`${row.get("path") as string} ${body} prompt ${row.get("promptTokens") as number}`, () => {
      const request =
        row.get("path") === "/chat"
          ? parseChatRequest(parseJson(body))
          : parseCompletionRequest(parseJson(body));
      const context = contextOf(row);
      let draft: SamplingDraft | undefined;
      const early = caught(() => {
        checkRequestedLengths(request, context.maxModelLength);
        draft = draftSampling(request, context);
      });
      expect(early).toBe(row.has("early") ? writeJson(row.get("early") as JsonValue) : undefined);
      if (draft === undefined) return;
      // The recording has no grammar compiler, so it leaves constraints alone.
      const unconstrained = { ...draft, constraint: undefined };
      const late = caught(() => checkAgainstModel(unconstrained, context));
      expect(late).toBe(row.has("late") ? writeJson(row.get("late") as JsonValue) : undefined);
      const recorded = row.get("parameters") as JsonObject;
      const { constraint } = draft;
      for (const [name, value] of Object.entries(named(draft, request))) {
        expect({ [name]: value }).toEqual({ [name]: plain(recorded.get(name)) });
      }
      const recordedConstraint = recorded.get("so") as JsonObject | null;
      expect(constraint === undefined).toBe(recordedConstraint === null);
      for (const [name, value] of recordedConstraint ?? []) {
        expect(writeJson(constraint?.get(name) ?? null)).toBe(writeJson(value));
      }
    });
  }
});
