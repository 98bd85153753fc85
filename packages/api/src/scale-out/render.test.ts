import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { JsonFloat, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { writeJson } from "../json/write-json.ts";
import { parseChatRequest } from "../request/chat-request.ts";
import { parseCompletionRequest } from "../request/completion-request.ts";
import { parseResponsesRequest } from "../responses/responses-request.ts";
import { samplingOf } from "../responses/responses-to-chat.ts";
import { draftSampling, type GenerationRequest } from "../sampling/draft-sampling.ts";
import { generateRequestText } from "./sampling-params-text.ts";

const MESSAGES: JsonValue = [
  new Map([
    ["role", "user"],
    ["content", "x"],
  ]),
];

function requestOf(kind: string, body: JsonObject): GenerationRequest {
  switch (kind) {
    case "chat":
      return parseChatRequest(new Map<string, JsonValue>([["messages", MESSAGES], ...body]));
    case "completion":
      return parseCompletionRequest(new Map<string, JsonValue>([["prompt", "x"], ...body]));
    default:
      return samplingOf(parseResponsesRequest(new Map<string, JsonValue>([["input", "x"], ...body])));
  }
}

function numberOf(value: JsonValue | undefined): number | undefined {
  return value instanceof JsonFloat ? value.value : (value as number | undefined);
}

describe("what vLLM's render routes make of a request", () => {
  for (const row of readFixture("render.jsonl")) {
    const kind = row.get("kind") as string;
    const body = row.get("body") as JsonObject;
    const defaults = row.get("defaults") as JsonObject;
    it(`${kind} ${writeJson(body)} ${writeJson(defaults)}`, () => {
      const request = requestOf(kind, body);
      const draft = draftSampling(request, {
        defaultSampling:
          defaults.size === 0
            ? {}
            : {
                temperature: numberOf(defaults.get("temperature")) as number,
                topP: numberOf(defaults.get("top_p")) as number,
                topK: numberOf(defaults.get("top_k")) as number,
              },
        extraEosTokenIds: [],
        maxModelLength: 102,
        promptTokenCount: 2,
        vocabularySize: 100,
        maxLogprobs: 20,
      });
      const transferParams = kind === "responses" ? { kv: null, ec: null } : undefined;
      const prompt = {
        requestId: "id",
        tokenIds: [1, 2],
        offsets: null,
        model: request.model,
        reasoningEnded: null,
        templateKwargs: null,
        transferParams,
      };
      expect(generateRequestText(prompt, draft, request)).toBe(row.get("text"));
    });
  }
});
