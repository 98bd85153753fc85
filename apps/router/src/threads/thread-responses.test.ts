import { describe, expect, it } from "vitest";
import { packNews, packResponse } from "../responses/packed-response.ts";
import { ResponseStore } from "../responses/response-store.ts";
import { StoredResponse } from "../responses/stored-response.ts";
import { ThreadResponses } from "./thread-responses.ts";
import type { ToThread } from "./thread-messages.ts";

function setUp(capacity = 10) {
  const told: (readonly [number, ToThread])[] = [];
  const echoes: (number | undefined)[] = [];
  /** What arrives with the next echo. */
  const underway: (() => void)[] = [];
  const responses = new ThreadResponses({
    store: new ResponseStore({ capacity, maxCharacters: 1_000 }),
    tell: (thread, message) => told.push([thread, message]),
    echo: (thread) => {
      echoes.push(thread);
      underway.splice(0).forEach((arrive) => arrive());
      return Promise.resolve();
    },
  });
  return { responses, told, echoes, underway };
}

function begun(id = "resp_1"): StoredResponse {
  return new StoredResponse({ id, messages: [], unfinished: (status) => status });
}

function finished(id = "resp_1"): StoredResponse {
  const response = begun(id);
  response.finish({ body: `body of ${id}`, answers: [] });
  response.end();
  return response;
}

describe("kept responses of request threads", () => {
  it("are found also when the word of their maker is still underway", async () => {
    const { responses, underway, echoes } = setUp();
    underway.push(() => responses.keep(0, packResponse(finished())));
    expect((await responses.find(1, "resp_1", false))?.packed.news.finished?.body).toBe("body of resp_1");
    expect(echoes).toEqual([undefined]);
    // What is over does not change: nobody is asked.
    expect(await responses.find(1, "resp_1", true)).toMatchObject({ follow: undefined });
    expect(echoes).toHaveLength(1);
    expect(await responses.find(1, "resp_2", false)).toBeUndefined();
  });

  it("are asked their maker for while they are made", async () => {
    const { responses, underway, echoes } = setUp();
    const made = begun();
    responses.keep(1, packResponse(made));
    made.addEvents("event: a\n\n");
    underway.push(() => responses.changed(1, "resp_1", packNews(made.news(0))));
    expect((await responses.find(0, "resp_1", false))?.packed.news.events).toEqual(["event: a\n\n"]);
    expect(echoes).toEqual([1]);
  });

  it("are followed until they are over, or nobody listens", async () => {
    const { responses, told } = setUp();
    const made = begun();
    responses.keep(1, packResponse(made));
    const follow = (await responses.find(0, "resp_1", true))?.follow;
    const other = (await responses.find(2, "resp_1", true))?.follow ?? -1;
    const gone = await responses.find(3, "resp_1", true);
    expect(gone?.follow).toBeDefined();
    responses.unfollow(other);
    responses.forgetThread(3);
    made.addEvents("event: a\n\n");
    responses.changed(1, "resp_1", packNews(made.news(0)));
    made.end();
    responses.changed(1, "resp_1", packNews(made.news(1)));
    expect(told).toMatchObject([
      [0, { kind: "response-news", follow, news: { events: ["event: a\n\n"], isOver: false } }],
      [0, { kind: "response-news", follow, news: { events: [], isOver: true, status: "failed" } }],
    ]);
  });

  it("are cancelled where they are made", async () => {
    const { responses, told } = setUp();
    responses.keep(1, packResponse(begun()));
    expect(await responses.cancel("resp_1")).toEqual({ isCancelled: true, body: "cancelled" });
    expect(told).toEqual([[1, { kind: "cancel-response", id: "resp_1" }]]);
    expect(await responses.cancel("resp_1")).toMatchObject({ isCancelled: false });
    expect(await responses.cancel("resp_2")).toBeUndefined();
  });

  it("fail with the thread that makes them", async () => {
    const { responses } = setUp();
    responses.keep(0, packResponse(begun("mine")));
    responses.keep(1, packResponse(begun("other")));
    responses.forgetThread(0);
    expect((await responses.find(1, "mine", false))?.packed.news).toMatchObject({
      isOver: true,
      status: "failed",
    });
    expect((await responses.find(1, "other", false))?.packed.news).toMatchObject({ isOver: false });
  });

  it("are refused where others run in all places", () => {
    const { responses } = setUp(1);
    expect(responses.keep(0, packResponse(finished("one")))).toBe(true);
    expect(responses.keep(1, packResponse(begun("two")))).toBe(true);
    expect(responses.keep(0, packResponse(begun("three")))).toBe(false);
  });
});
