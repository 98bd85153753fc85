import { beforeAll, describe, expect, it } from "vitest";
import { builtinRuntime } from "../../test/fake-pipeline.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { EncodedElsewhere } from "./long-texts.ts";
import { TokenizingDesk } from "./tokenizing-desk.ts";
import type { FromTokenizingThread, ToTokenizingThread } from "./tokenizing-messages.ts";
import { type TokenizingThread, TokenizingThreads } from "./tokenizing-threads.ts";

/** A thread that does one message when the test says so. */
class FakeThread implements TokenizingThread {
  readonly waiting: ToTokenizingThread[] = [];
  readonly #desk = new TokenizingDesk();
  readonly #listeners = new Map<string, (value: never) => void>();
  isTerminated = false;

  postMessage(message: ToTokenizingThread): void {
    this.waiting.push(message);
  }

  on(event: string, listener: (value: never) => void): void {
    this.#listeners.set(event, listener);
  }

  unref(): void {}

  async terminate(): Promise<void> {
    this.isTerminated = true;
  }

  /** Does what waits, all of it. @returns kinds of what it was told */
  work(): readonly string[] {
    const kinds: string[] = [];
    for (let message = this.waiting.shift(); message !== undefined; message = this.waiting.shift()) {
      kinds.push(message.kind);
      const answer = this.#desk.receive(message);
      if (answer !== undefined) {
        this.tell(answer);
      }
    }
    return kinds;
  }

  tell(message: FromTokenizingThread): void {
    this.#listeners.get("message")?.(message as never);
  }

  die(): void {
    this.#listeners.get("error")?.(new Error("out of memory") as never);
    this.#listeners.get("exit")?.(undefined as never);
  }
}

let model: ModelRuntime;

beforeAll(async () => {
  model = await builtinRuntime();
});

function setUp(count = 1) {
  const started: FakeThread[] = [];
  const said: string[] = [];
  const threads = new TokenizingThreads({
    count,
    mostUnits: 10,
    changed: (detail) => said.push(detail),
    startThread: () => {
      const thread = new FakeThread();
      started.push(thread);
      return thread;
    },
  });
  const heard: { text: string; ids: EncodedElsewhere }[] = [];
  const encode = (text: string, source = model): (() => void) =>
    threads.encode(source, [{ text, isAtStart: true }], (ids) => heard.push({ text, ids }));
  return { threads, started, said, heard, encode, texts: () => heard.map(({ text }) => text) };
}

const idsOf = (text: string): readonly Int32Array[] => [model.tokenizer.encode(text, false)];
const settled = (): Promise<void> => new Promise((resolve) => queueMicrotask(resolve));

describe("TokenizingThreads", () => {
  it("starts with the first text, which is left to its asker, and encodes the next ones in order", async () => {
    const { started, heard, encode } = setUp();
    expect(started).toHaveLength(0);
    encode("first");
    expect([started.length, heard.length]).toEqual([1, 0]);
    await settled();
    expect(heard).toEqual([{ text: "first", ids: undefined }]);
    expect(started[0]?.work()).toEqual(["model"]);
    encode("second text");
    encode("third text");
    expect(started[0]?.waiting).toHaveLength(1);
    expect(started[0]?.work()).toEqual(["encode", "encode"]);
    expect(heard.slice(1)).toEqual([
      { text: "second text", ids: idsOf("second text") },
      { text: "third text", ids: idsOf("third text") },
    ]);
  });

  it("gives several stretches back one by one", async () => {
    const { threads, started, encode } = setUp();
    encode("first");
    started[0]?.work();
    let ids: EncodedElsewhere;
    const stretches = ["One text", "", "another one"].map((text) => ({ text, isAtStart: false }));
    threads.encode(model, stretches, (encoded) => (ids = encoded));
    started[0]?.work();
    expect(ids).toEqual(model.tokenizer.encodeStretches(stretches));
  });

  it("forgets what is given up: never begun while it waits, never told while it is done", async () => {
    const { started, encode, texts } = setUp();
    encode("first")();
    started[0]?.work();
    const running = encode("running");
    const waiting = encode("waiting");
    encode("last");
    running();
    waiting();
    expect(started[0]?.work()).toEqual(["encode", "encode"]);
    await settled();
    expect(texts()).toEqual(["last"]);
  });

  it("leaves everything to its askers when the thread dies, and starts another with the next text", async () => {
    const { started, said, heard, encode } = setUp();
    encode("first");
    started[0]?.work();
    encode("running");
    encode("waiting");
    started[0]?.die();
    expect(heard.slice(-2)).toEqual([
      { text: "running", ids: undefined },
      { text: "waiting", ids: undefined },
    ]);
    expect(said).toEqual([expect.stringContaining("out of memory")]);
    encode("next");
    expect(started).toHaveLength(2);
    started[1]?.work();
    encode("later");
    started[1]?.work();
    expect(heard.at(-1)).toEqual({ text: "later", ids: idsOf("later") });
  });

  it("gives up threads that die again and again", async () => {
    const { started, said, heard, encode } = setUp();
    for (let death = 0; death < 5; death += 1) {
      encode("text");
      started.at(-1)?.die();
    }
    encode("text");
    await settled();
    expect([started.length, said.length, said.at(-1)]).toEqual([5, 5, expect.stringContaining("5 times")]);
    expect(heard.map(({ ids }) => ids)).toEqual(Array.from({ length: 6 }, () => undefined));
  });

  it("keeps the work of one thread when another dies", async () => {
    const { started, heard, encode } = setUp(2);
    encode("first");
    for (const thread of started) {
      thread.work();
    }
    encode("on the first");
    encode("on the second");
    encode("waiting");
    started[0]?.die();
    started[1]?.work();
    expect(heard.slice(-3)).toEqual([
      { text: "on the first", ids: undefined },
      { text: "on the second", ids: idsOf("on the second") },
      { text: "waiting", ids: idsOf("waiting") },
    ]);
  });

  it("leaves to its askers what does not fit any more, and what the thread cannot do", async () => {
    const { threads, started, said, heard, encode } = setUp();
    encode("first");
    started[0]?.work();
    encode("running");
    const long = "x".repeat(40 * 1024 * 1024);
    const results: string[] = [];
    for (const name of ["fits", "too much"]) {
      threads.encode(model, [{ text: long, isAtStart: false }], (ids) =>
        results.push(`${name} ${ids === undefined ? "here" : "there"}`),
      );
    }
    await settled();
    expect(results).toEqual(["too much here"]);
    started[0]?.tell({ kind: "job-failed", job: 0, reason: "a bug" });
    expect(heard.at(-1)).toEqual({ text: "running", ids: undefined });
    expect(said).toEqual([expect.stringContaining("a bug")]);
  });

  it("keeps the tokenizers of four models, and nothing of one without files", async () => {
    const { started, heard, encode } = setUp();
    encode("no files", { ...model, tokenizerFiles: undefined });
    expect(started).toHaveLength(0);
    const twins = Array.from({ length: 5 }, () => ({ ...model, tokenizer: { ...model.tokenizer } }));
    for (const twin of twins) {
      encode("first", twin);
    }
    expect(started[0]?.work()).toEqual(["model", "model", "model", "model", "model", "forget"]);
    await settled();
    encode("known", twins[4]);
    encode("forgotten", twins[0]);
    started[0]?.work();
    await settled();
    expect(heard.slice(-2)).toEqual([
      { text: "known", ids: idsOf("known") },
      { text: "forgotten", ids: undefined },
    ]);
  });

  it("leaves everything to its askers when it is closed", async () => {
    const { threads, started, heard, encode } = setUp();
    encode("first");
    await settled();
    started[0]?.work();
    encode("running");
    encode("waiting");
    await threads[Symbol.asyncDispose]();
    encode("late");
    await settled();
    expect(started.map(({ isTerminated }) => isTerminated)).toEqual([true]);
    expect(heard.slice(1).map(({ text, ids }) => [text, ids])).toEqual([
      ["running", undefined],
      ["waiting", undefined],
      ["late", undefined],
    ]);
  });
});
