import { describe, expect, it } from "vitest";
import {
  ApiError,
  createChatStreamWriter,
  parseChatRequest,
  parseRequestBody,
  resolveSampling,
} from "./index.ts";

describe("the README's example", () => {
  it("checks, resolves and renders a chat", () => {
    const bytes = new TextEncoder().encode('{"messages":[{"role":"user","content":"Hi"}],"stream":true}');
    const request = parseChatRequest(parseRequestBody("application/json", bytes));

    const { settings } = resolveSampling(request, {
      defaultSampling: { temperature: 0.6 },
      extraEosTokenIds: [],
      maxModelLength: 2048,
      promptTokenCount: 3,
      vocabularySize: 50_000,
      maxLogprobs: 20,
    });
    expect(settings.maxTokens).toBe(2045);

    const writer = createChatStreamWriter({
      request,
      identity: { id: "chatcmpl-1", created: 1, model: "m", systemFingerprint: null },
      settings: {
        responseRole: "assistant",
        promptTokensDetails: false,
        forceIncludeUsage: false,
        returnTokensAsTokenIds: false,
      },
      promptCount: 1,
    });
    writer.prompt(0, { tokenIds: [1, 2, 3], text: undefined, logprobs: undefined });
    const output = { text: "Hello", tokenIds: [4], tokenCount: 1, logprobs: undefined };
    const sse = writer.output(0, output, { reason: "stop", stopReason: null });
    expect(sse).toContain('"delta":{"content":"Hello"}');
    expect(writer.end({ promptTokens: 3, cachedTokens: undefined, kvTransferParams: undefined })).toBe(
      "data: [DONE]\n\n",
    );

    const refused = (): unknown =>
      parseChatRequest(parseRequestBody("application/json", new TextEncoder().encode("{}")));
    expect(refused).toThrow(ApiError);
    expect(refused).toThrow("'loc': 'body.messages', 'msg': 'Field required'");
  });
});
