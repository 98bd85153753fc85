import { describe, expect, it } from "vitest";
import { parseJson } from "@vllm-router/api";
import { affinityKeyOf } from "./affinity-key.ts";

const exchange = (headers: Readonly<Record<string, string>>) => ({
  header: (name: string) => headers[name],
});

describe("affinityKeyOf()", () => {
  const body = parseJson('{"metadata": {"session": "m1", "deep": {"er": 4}}, "user": "u"}');
  const of = { keys: { user: "u" }, body };

  it("goes the Rust router's way without rules", () => {
    expect(affinityKeyOf(exchange({ "x-user-id": "7" }), undefined, of)).toBe("header:x-user-id:7");
    expect(affinityKeyOf(exchange({}), undefined, of)).toBe("user:u");
  });

  it("goes by the operator's headers and body fields alone when there are any", () => {
    const rules = {
      headers: ["x-chat"],
      fields: ["metadata.nothing", "metadata.deep.er", "metadata.session"],
    };
    expect(affinityKeyOf(exchange({ "x-chat": "c", "x-user-id": "7" }), rules, of)).toBe("header:x-chat:c");
    expect(affinityKeyOf(exchange({ "x-user-id": "7" }), rules, of)).toBe("field:metadata.deep.er:4");
    expect(affinityKeyOf(exchange({}), { headers: [], fields: ["user.name"] }, of)).toBeUndefined();
    expect(affinityKeyOf(exchange({}), rules, { keys: {}, body: undefined })).toBeUndefined();
  });
});
