import { describe, expect, it } from "vitest";
import { ThreadPolicies, type PolicyNews } from "./thread-policies.ts";

function setUp() {
  const told: string[] = [];
  const policies = new ThreadPolicies({
    threads: 2,
    observer: {
      policyLoaded: (name) => told.push(`loaded ${name}`),
      policyFailed: (fault, message) => told.push(`failed ${fault} ${message}`),
      policySaid: (text) => told.push(`said ${text}`),
    },
    giveUp: (hash, thread) => told.push(`give up ${hash} in ${thread ?? "all"}`),
  });
  const load = (thread: number, hash: string): void =>
    policies.receive(thread, { event: "loaded", name: "own", hash });
  const fail = (thread: number, hash: string, fault: "exception" | "load" = "exception"): void => {
    const news: PolicyNews = { event: "failed", fault, message: "oh", hash };
    policies.receive(thread, news);
  };
  const heard = (): string[] => told.splice(0);
  return { policies, load, fail, heard };
}

describe("a policy of the user's own in several threads", () => {
  it("is told to decide once it does so everywhere, once", () => {
    const { policies, load, heard } = setUp();
    load(0, "a");
    expect(heard()).toEqual([]);
    load(1, "a");
    expect(heard()).toEqual(["loaded own"]);
    policies.forgetThread(1);
    load(1, "a");
    expect(heard()).toEqual([]);
    load(0, "b");
    load(1, "b");
    expect(heard()).toEqual(["loaded own"]);
  });

  it("fails in all threads when it fails in one, and is told so once", () => {
    const { load, fail, heard } = setUp();
    load(0, "a");
    load(1, "a");
    heard();
    fail(0, "a");
    fail(1, "a");
    expect(heard()).toEqual(["failed exception oh", "give up a in all"]);
    load(0, "b");
    load(1, "b");
    expect(heard()).toEqual(["loaded own"]);
    // What a thread said of the file before.
    fail(1, "a");
    expect(heard()).toEqual([]);
    load(0, "a");
    load(1, "a");
    expect(heard()).toEqual(["loaded own"]);
  });

  it("does not come back with a thread that is started after it failed", () => {
    const { policies, load, fail, heard } = setUp();
    load(0, "a");
    load(1, "a");
    fail(0, "a");
    heard();
    policies.forgetThread(1);
    load(1, "a");
    expect(heard()).toEqual(["give up a in 1"]);
  });

  it("tells of a broken change once, and of the next", () => {
    const { policies, load, fail, heard } = setUp();
    load(0, "a");
    load(1, "a");
    heard();
    fail(0, "broken", "load");
    fail(1, "broken", "load");
    expect(heard()).toEqual(["failed load oh"]);
    fail(0, "broken again", "load");
    fail(1, "broken again", "load");
    expect(heard()).toEqual(["failed load oh"]);
    policies.receive(0, { event: "said", text: "hello" });
    expect(heard()).toEqual(["said hello"]);
  });
});
