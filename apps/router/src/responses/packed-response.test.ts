import { parseJson, writeJson, type JsonObject } from "@vllm-router/api";
import { describe, expect, it } from "vitest";
import { packNews, packResponse, startOf, unpackNews } from "./packed-response.ts";
import { StoredResponse } from "./stored-response.ts";

const message = parseJson(
  '{"role":"user","content":"two","weight":1.0,"large":12345678901234567890}',
) as JsonObject;

function queued(): StoredResponse {
  return new StoredResponse({ id: "resp_1", messages: [message], unfinished: (status) => `is ${status}` });
}

/** As another thread gets it. */
function travelled(response: StoredResponse): StoredResponse {
  const packed = structuredClone(packResponse(response));
  const copy = new StoredResponse(startOf(packed));
  copy.apply(unpackNews(packed.news));
  return copy;
}

describe("responses in another thread", () => {
  it("are what they were, their numbers and Harmony's entries included", () => {
    const response = queued();
    response.addEvents("event: a\n\nevent: b\n\n");
    const entry = {
      role: "user",
      parts: [],
      channel: undefined,
      recipient: undefined,
      contentType: undefined,
    };
    response.finish({
      body: "whole",
      answers: ["one"],
      harmony: { entries: [{ ...entry, raw: () => "{}" }, entry] as never, calls: [{ id: "1", name: "f" }] },
    });
    response.end();
    // Twice: from the thread that made it, and to the one that asks for it.
    const copy = travelled(travelled(response));
    expect([copy.id, copy.status, copy.isOver, copy.body]).toEqual(["resp_1", "completed", true, "whole"]);
    expect(copy.events).toEqual(["event: a\n\n", "event: b\n\n"]);
    expect(copy.characters).toBe(response.characters);
    expect(writeJson([...copy.history.messages])).toBe(writeJson([message]));
    expect(copy.history.answers).toEqual(["one"]);
    const [first, second] = copy.history.harmony?.entries ?? [];
    expect([first?.raw?.(), second?.raw]).toEqual(["{}", undefined]);
    expect(copy.history.harmony?.calls).toEqual([{ id: "1", name: "f" }]);
  });

  it.each(["cancelled", "failed"] as const)("show how they stand when they %s", (status) => {
    const response = queued();
    const before = travelled(response);
    expect(before.body).toBe("is queued");
    if (status === "cancelled") {
      before.cancel();
    }
    before.end();
    expect([before.status, before.body, travelled(before).body]).toEqual([
      status,
      `is ${status}`,
      `is ${status}`,
    ]);
  });

  it("go on by news, and stay cancelled", () => {
    const response = queued();
    const copy = travelled(response);
    let stopped = 0;
    copy.runs(() => (stopped += 1));
    const heard: number[] = [];
    copy.watch(() => heard.push(copy.events.length));
    response.addEvents("event: a\n\n");
    copy.apply(unpackNews(structuredClone(packNews(response.news(0)))));
    expect(copy.cancel()).toBe(true);
    response.finish({ body: "whole", answers: [] });
    response.end();
    copy.apply(unpackNews(structuredClone(packNews(response.news(1)))));
    expect([heard, stopped, copy.status, copy.isOver, copy.cancel()]).toEqual([
      [1, 1],
      1,
      "cancelled",
      true,
      false,
    ]);
  });

  it("are stopped when they were cancelled before they ran", () => {
    const response = queued();
    response.cancel();
    let stopped = 0;
    response.runs(() => (stopped += 1));
    expect(stopped).toBe(1);
  });
});
