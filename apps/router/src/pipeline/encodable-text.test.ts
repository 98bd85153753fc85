import { describe, expect, it } from "vitest";
import { checkEncodable } from "./encodable-text.ts";
import { checkDecodable } from "./wide-ids.ts";

describe("what the tokenizer cannot take", () => {
  it("is half a surrogate pair", () => {
    expect(() => checkEncodable("a\ud800")).toThrow("TextEncodeInput must be");
    expect(() => checkEncodable("a😀")).not.toThrow();
  });

  it("is an id beyond 32 bits, and one beyond 64", () => {
    expect(() => checkDecodable([2 ** 32 - 1])).not.toThrow();
    expect(() => checkDecodable([1, 2 ** 32])).toThrow("number too large to fit in target type");
    expect(() => checkDecodable([2n ** 63n])).toThrow("Python int too large to convert to C long");
  });
});
