import { describe, expect, it } from "vitest";
import {
  ApiError,
  errorBody,
  internalError,
  modelNotFoundError,
  payloadTooLargeError,
  streamErrorBody,
  unsupportedFieldError,
  validationError,
} from "./api-error.ts";
import { detokenizeBody, loadBody, modelListBody, tokenizeBody, versionBody } from "./plain-bodies.ts";
import { sanitizeMessage } from "./sanitize-message.ts";

describe("small bodies", () => {
  it("lists models", () => {
    const card = {
      id: "smollm2",
      created: 1795333725,
      root: "smollm2",
      parent: null,
      maxModelLength: 2048,
      permissionId: "a88f",
    };
    expect(modelListBody([card])).toBe(
      '{"object":"list","data":[{"id":"smollm2","object":"model","created":1795333725,"owned_by":"vllm","root":"smollm2",' +
        '"parent":null,"max_model_len":2048,"permission":[{"id":"modelperm-a88f","object":"model_permission",' +
        '"created":1795333725,"allow_create_engine":false,"allow_sampling":true,"allow_logprobs":true,' +
        '"allow_search_indices":false,"allow_view":true,"allow_fine_tuning":false,"organization":"*","group":null,' +
        '"is_blocking":false}]}]}',
    );
    expect(modelListBody([])).toBe('{"object":"list","data":[]}');
  });

  it("answers tokenize and detokenize", () => {
    expect(
      tokenizeBody({ tokenIds: Int32Array.of(19556, 905), maxModelLength: 2048, tokenStrings: undefined }),
    ).toBe('{"count":2,"max_model_len":2048,"tokens":[19556,905],"token_strs":null}');
    expect(tokenizeBody({ tokenIds: [1], maxModelLength: 5, tokenStrings: ["Ġä½"] })).toBe(
      '{"count":1,"max_model_len":5,"tokens":[1],"token_strs":["Ġä½"]}',
    );
    expect(detokenizeBody('a"é')).toBe('{"prompt":"a\\"é"}');
  });

  it("answers version and load", () => {
    expect(versionBody("0.32.0")).toBe('{"version":"0.32.0"}');
    expect(loadBody(0)).toBe('{"server_load":0}');
  });
});

describe("errors", () => {
  it("have OpenAI's shape", () => {
    expect(errorBody(modelNotFoundError("nope", ["a", "b"]))).toBe(
      '{"error":{"message":"The model `nope` does not exist. Valid aliases: a, b.","type":"NotFoundError","param":"model","code":404}}',
    );
    expect(errorBody(validationError("No.", "n", "x"))).toBe(
      '{"error":{"message":"No. (parameter=n, value=x)","type":"BadRequestError","param":"n","code":400}}',
    );
    expect(errorBody(unsupportedFieldError("lora"))).toContain(
      '"type":"NotImplementedError","param":"lora","code":501',
    );
    expect(payloadTooLargeError(5).status).toBe(413);
  });

  it("are printed with spaces and in ASCII inside streams", () => {
    expect(streamErrorBody(internalError())).toBe(
      '{"error": {"message": "Internal server error", "type": "InternalServerError", "param": null, "code": 500}}',
    );
    expect(streamErrorBody(new ApiError({ status: 400, type: "T", message: "é", param: "p" }))).toBe(
      '{"error": {"message": "\\u00e9", "type": "T", "param": "p", "code": 400}}',
    );
  });

  it("give no paths and addresses away", () => {
    expect(sanitizeMessage("no file /home/me/x.txt at <Foo object at 0x7f00ab>")).toBe(
      "no file <path> at <Foo object>",
    );
    expect(sanitizeMessage("see /srv/models/a-b_c/config and /a/b/c.py")).toBe("see <path> and <path>");
    expect(sanitizeMessage('oops\n  File "/x/y.py", line 3, in f\n    call()')).toBe("oops");
    expect(sanitizeMessage(" 1/2 and http://x ")).toBe("1/2 and http://x");
  });
});
