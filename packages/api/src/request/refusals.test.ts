import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { ApiError, badRequestError, errorBody, modelNotFoundError } from "../api-error.ts";
import type { JsonValue } from "../json/json-value.ts";
import { writeJson } from "../json/write-json.ts";
import { checkEnginePrompt, checkRequestedLengths } from "../sampling/length-checks.ts";
import { type GenerationRequest, isChatRequest } from "../sampling/draft-sampling.ts";
import { resolveSampling } from "../sampling/resolve-sampling.ts";
import { parseChatRequest } from "./chat-request.ts";
import { parseCompletionRequest } from "./completion-request.ts";
import { parseRequestBody } from "./request-body.ts";
import { parseDetokenizeRequest, parseTokenizeRequest } from "./tokenize-request.ts";

const CONTEXT_TOKENS = 2048;
const VOCABULARY: Readonly<Record<string, number>> = { smollm2: 49152, "tiny-qwen3": 151936 };

interface Case {
  readonly path: string;
  readonly model: string;
  readonly contentType: string;
  readonly body: string;
}

/** What a server does with a request as far as this package goes; the prompt is taken to have a few tokens. */
function serve({ path, model, contentType, body }: Case): void {
  const value = parseRequestBody(contentType, new TextEncoder().encode(body));
  switch (path) {
    case "/v1/chat/completions":
      generate(parseChatRequest(value), model);
      return;
    case "/v1/completions":
      generate(parseCompletionRequest(value), model);
      return;
    case "/tokenize": {
      const request = parseTokenizeRequest(value);
      checkModel(request.model, model);
      if (request.kind === "chat") {
        checkTemplate(request.chatTemplate, request.chatTemplateKwargs);
        if (request.lateError !== undefined) throw request.lateError;
      }
      return;
    }
    default:
      checkModel(parseDetokenizeRequest(value).model, model);
  }
}

function generate(request: GenerationRequest, model: string): void {
  if (!isChatRequest(request) && request.stream === true && request.useBeamSearch) {
    throw badRequestError("Streaming is not currently supported with beam search");
  }
  checkModel(request.model, model);
  if (isChatRequest(request)) checkTemplate(request.chatTemplate, request.chatTemplateKwargs);
  else if (request.suffix !== null) {
    throw badRequestError("suffix is only supported for models with FIM completion rendering", "suffix");
  }
  checkRequestedLengths(request, CONTEXT_TOKENS);
  const prompt = isChatRequest(request) ? "" : request.prompt;
  if (isChatRequest(request) && request.lateError !== undefined) throw request.lateError;
  if (Array.isArray(prompt) && prompt.length === 0)
    throw badRequestError("You must pass at least one prompt");
  const ids = Array.isArray(prompt) && typeof prompt[0] === "number" ? (prompt as number[]) : undefined;
  const inner = Array.isArray(prompt) && Array.isArray(prompt[0]) ? (prompt[0] as number[]) : undefined;
  const vocabularySize = VOCABULARY[model] ?? 0;
  const { lateError } = resolveSampling(request, {
    defaultSampling: {},
    extraEosTokenIds: [],
    maxModelLength: CONTEXT_TOKENS,
    promptTokenCount: 30,
    vocabularySize,
    maxLogprobs: 20,
  });
  if (lateError !== undefined) throw lateError;
  const limits = { maxModelLength: CONTEXT_TOKENS, maxTokenId: vocabularySize - 1 };
  checkEnginePrompt(ids ?? inner ?? [1], limits);
}

function checkModel(asked: string | null, served: string): void {
  if (asked !== null && asked !== "" && asked !== served) throw modelNotFoundError(asked, [served]);
}

function checkTemplate(template: string | null, kwargs: ReadonlyMap<string, JsonValue> | null): void {
  if (template === null && (kwargs?.get("chat_template") ?? null) === null) return;
  throw badRequestError(
    "Chat template is passed with request, but --trust-request-chat-template is not set. " +
      "Refused request with untrusted chat template.",
  );
}

describe("recorded refusals", () => {
  for (const row of readFixture("refusals.jsonl")) {
    it(`answers ${row.get("id") as string}`, () => {
      let error: unknown;
      try {
        serve({
          path: row.get("path") as string,
          model: row.get("model") as string,
          contentType: (row.get("contentType") as string | undefined) ?? "application/json",
          body: row.get("body") as string,
        });
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(ApiError);
      expect(errorBody(error as ApiError)).toBe(writeJson(row.get("answer") as JsonValue));
      expect((error as ApiError).status).toBe(row.get("status"));
    });
  }
});
