import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { type JsonObject, type JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { writeJson } from "../json/write-json.ts";
import { parseChatRequest } from "./chat-request.ts";

/** Order of members inside a message is nobody's business: templates get a new one; inside its parts it is. */
function sortedMembers(message: JsonValue): string {
  if (!(message instanceof Map)) return writeJson(message);
  const members = [...(message as JsonObject)].sort(([a], [b]) => (a < b ? -1 : 1));
  return writeJson(new Map(members));
}

describe("messages as vLLM keeps them", () => {
  for (const row of readFixture("messages.jsonl")) {
    const message = row.get("message") as JsonValue;
    it(`keeps ${writeJson(message).slice(0, 150)}`, () => {
      const request = parseChatRequest(new Map<string, JsonValue>([["messages", [message]]]));
      expect(request.lateError?.message ?? null).toBe(row.get("lateError"));
      const kept = request.lateError === undefined ? sortedMembers(request.messages[0] as JsonValue) : "null";
      expect(kept).toBe(sortedMembers(row.get("validated") as JsonValue));
    });
  }
});

describe("parseChatRequest()", () => {
  const chat = (text: string): ReturnType<typeof parseChatRequest> =>
    parseChatRequest(parseJson(`{"messages":[{"role":"user","content":"hi"}],${text.slice(1)}`));

  it("applies vLLM's defaults", () => {
    const request = chat('{"x":1}');
    expect(request).toMatchObject({
      model: null,
      maxTokens: null,
      n: 1,
      logprobs: false,
      topLogprobs: 0,
      stream: false,
      stop: [],
      toolChoice: "none",
      temperature: null,
      addGenerationPrompt: true,
      skipSpecialTokens: true,
      addSpecialTokens: false,
      includeReasoning: true,
      requestId: null,
      priority: 0,
      returnTokenIds: null,
    });
  });

  it("converts as pydantic does", () => {
    const request = chat(
      '{"max_tokens":" 5 ","n":true,"temperature":"0.5","seed":"7.0","logprobs":1,"top_p":1,"stop":"x"}',
    );
    expect(request).toMatchObject({
      maxTokens: 5,
      n: 1,
      temperature: 0.5,
      seed: 7,
      logprobs: true,
      topP: 1,
      stop: "x",
    });
  });

  it("keeps integers beyond 2^53", () => {
    expect(chat('{"seed":9223372036854775807}').seed).toBe(9223372036854775807n);
  });

  it("shows tools as templates see them", () => {
    const tool = '{"function":{"parameters":{"type":"object"},"name":"f","zz":1},"type":"function","zz":1}';
    const strict = '{"type":"function","function":{"name":"g","strict":true},"defer_loading":true}';
    const request = chat(`{"tools":[${tool},${strict}]}`);
    expect(request.toolChoice).toBe("auto");
    expect(writeJson([...(request.tools ?? [])])).toBe(
      '[{"type":"function","function":{"name":"f","description":null,"parameters":{"type":"object"}}},' +
        '{"type":"function","function":{"name":"g","description":null,"parameters":null,"strict":true,"defer_loading":true},"defer_loading":true}]',
    );
  });

  it("renames reasoning_content, and leaves the body alone", () => {
    const body = parseJson('{"messages":[{"role":"assistant","content":"a","reasoning_content":"r"}]}');
    const before = writeJson(body);
    const request = parseChatRequest(body);
    expect(writeJson(request.messages)).toBe('[{"role":"assistant","content":"a","reasoning":"r"}]');
    expect(writeJson(body)).toBe(before);
  });

  it("drops forwarded prompt ids where messages bring media", () => {
    const body =
      '{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]}],' +
      '"kv_transfer_params":{"prompt_token_ids":[1],"a":2}}';
    expect([...(parseChatRequest(parseJson(body)).kvTransferParams ?? [])]).toEqual([["a", 2]]);
  });

  it("hides the deprecated switch for media payloads behind the new one", () => {
    expect(chat('{"return_mm_kwargs":false}').mmPayload).toBe("none");
  });
});
