import type { AdminCallOptions, TokenizerBundle, TokenizerBundleLimits } from "@vllm-router/engine-client";
import { describe, expect, it } from "vitest";
import { createFakeTimers } from "../../test/fake-timers.ts";
import { type ArchiveSource, TokenizerArchives } from "./tokenizer-archives.ts";

/** An engine whose archive arrives when the test says so. */
class SlowSource implements ArchiveSource {
  sha256: string;
  asked = 0;
  unpacked = 0;
  arrive = (): void => undefined;
  break = (): void => undefined;

  constructor(sha256: string) {
    this.sha256 = sha256;
  }

  getTokenizer(options: AdminCallOptions & TokenizerBundleLimits): Promise<TokenizerBundle> {
    this.asked += 1;
    return new Promise((resolve, reject) => {
      this.break = () => reject(new Error("broken"));
      this.arrive = () => {
        const known = options.known?.(this.sha256);
        this.unpacked += known === undefined ? 1 : 0;
        resolve({
          sha256: this.sha256,
          files: known ?? new Map([["tokenizer.json", new Uint8Array([this.sha256.length])]]),
        });
      };
    });
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const request = (identity: string) => ({ identity, options: {} });
const options = (): AdminCallOptions => ({});

describe("TokenizerArchives", () => {
  it("unpacks one content once, also for engines that say something else of their model", async () => {
    const archives = new TokenizerArchives({ timers: createFakeTimers() });
    const sources = [new SlowSource("a"), new SlowSource("a"), new SlowSource("b")];
    const files = [];
    for (const [index, source] of sources.entries()) {
      const received = archives.receive(source, request(String(index)));
      await turn();
      source.arrive();
      files.push(await received);
    }
    expect(sources.map(({ unpacked }) => unpacked)).toEqual([1, 0, 1]);
    expect(files[1]).toBe(files[0]);
    expect(files[2]).not.toBe(files[0]);
  });

  it("gives the archive of the first to all that come up with it and say the same", async () => {
    const timers = createFakeTimers();
    const archives = new TokenizerArchives({ timers });
    const sources = Array.from({ length: 20 }, () => new SlowSource("a"));
    const received = sources.map((source) => archives.receive(source, request("same")));
    await turn();
    sources[0]?.arrive();
    const files = await Promise.all(received);
    expect(new Set(files).size).toBe(1);
    expect(sources.map(({ asked }) => asked)).toEqual([1, ...Array.from({ length: 19 }, () => 0)]);
    expect(timers.size).toBe(0);
  });

  it("asks an engine that comes later itself: it may be a new version", async () => {
    const timers = createFakeTimers();
    const archives = new TokenizerArchives({ timers });
    const [first, later] = [new SlowSource("a"), new SlowSource("b")];
    const received = archives.receive(first, request("same"));
    await turn();
    first.arrive();
    await received;
    await timers.advance(31_000);
    const own = archives.receive(later, request("same"));
    await turn();
    later.arrive();
    expect(await own).not.toBe(await received);
  });

  it("does not wait long for the first, nor when it breaks", async () => {
    const timers = createFakeTimers();
    const archives = new TokenizerArchives({ timers, atOnce: 2 });
    const sources = Array.from({ length: 4 }, () => new SlowSource("a"));
    const asked = (): readonly number[] => sources.map((source) => source.asked);
    const outcomes = Promise.allSettled(sources.map((source) => archives.receive(source, request("same"))));
    await turn();
    expect(asked()).toEqual([1, 0, 0, 0]);
    await timers.advance(3000);
    expect(asked()).toEqual([1, 1, 0, 0]);
    sources[0]?.break();
    await turn();
    expect(asked()).toEqual([1, 1, 1, 0]);
    sources[2]?.arrive();
    await turn();
    sources[1]?.arrive();
    expect((await outcomes).map(({ status }) => status)).toEqual([
      "rejected",
      "fulfilled",
      "fulfilled",
      "fulfilled",
    ]);
    expect(asked()).toEqual([1, 1, 1, 0]);
  });

  it("compares afterwards, one at a time and slowly, and shares no more when they differ", async () => {
    const timers = createFakeTimers();
    const archives = new TokenizerArchives({ timers });
    const sources = Array.from({ length: 4 }, () => new SlowSource("a"));
    const received = sources.map((source) => archives.receive(source, request("same")));
    await turn();
    sources[0]?.arrive();
    await Promise.all(received);
    const [, same, different, gone] = sources as [SlowSource, SlowSource, SlowSource, SlowSource];
    different.sha256 = "b";
    const judge = (): readonly boolean[] => sources.map((source) => archives.isAsGiven(source, options));
    expect(judge()).toEqual([true, true, true, true]);
    await timers.advance(10_000);
    expect([same.asked, different.asked, gone.asked]).toEqual([1, 0, 0]);
    same.arrive();
    await timers.advance(10_000);
    expect([same.asked, different.asked, gone.asked]).toEqual([1, 1, 0]);
    different.arrive();
    await timers.advance(10_000);
    gone.break();
    await turn();
    expect(judge()).toEqual([true, true, false, true]);
    // What could not be compared is compared again, what was is not.
    await timers.advance(10_000);
    expect([same.asked, different.asked, gone.asked]).toEqual([1, 1, 2]);

    const again = new SlowSource("b");
    const own = archives.receive(again, request("same"));
    await turn();
    again.arrive();
    expect(await own).not.toBe(await received[0]);
  });

  it("keeps the files of the latest contents only", async () => {
    const archives = new TokenizerArchives({ timers: createFakeTimers() });
    const receive = async (sha256: string): Promise<number> => {
      const source = new SlowSource(sha256);
      const received = archives.receive(source, request(`${sha256} again`));
      await turn();
      source.arrive();
      await received;
      return source.unpacked;
    };
    for (const sha256 of ["a", "b", "c", "d", "e"]) {
      const source = new SlowSource(sha256);
      const received = archives.receive(source, request(sha256));
      await turn();
      source.arrive();
      await received;
    }
    expect(await receive("e")).toBe(0);
    expect(await receive("a")).toBe(1);
  });
});
