import type { AdminCallOptions, TokenizerBundle, TokenizerBundleLimits } from "@vllm-router/engine-client";
import { describe, expect, it } from "vitest";
import { type ArchiveSource, TokenizerArchives } from "./tokenizer-archives.ts";

/** An engine whose archive arrives when the test says so. */
class SlowSource implements ArchiveSource {
  readonly #sha256: string;
  isAsked = false;
  unpacked = 0;
  arrive = (): void => undefined;
  break = (): void => undefined;

  constructor(sha256: string) {
    this.#sha256 = sha256;
  }

  getTokenizer(options: AdminCallOptions & TokenizerBundleLimits): Promise<TokenizerBundle> {
    this.isAsked = true;
    return new Promise((resolve, reject) => {
      this.break = () => reject(new Error("broken"));
      this.arrive = () => {
        const known = options.known?.(this.#sha256);
        this.unpacked += known === undefined ? 1 : 0;
        resolve({
          sha256: this.#sha256,
          files: known ?? new Map([["tokenizer.json", new Uint8Array([this.#sha256.length])]]),
        });
      };
    });
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("TokenizerArchives", () => {
  it("unpacks one content once, and gives every engine the same files", async () => {
    const archives = new TokenizerArchives();
    const sources = [new SlowSource("a"), new SlowSource("a"), new SlowSource("b")];
    const files = [];
    for (const source of sources) {
      const received = archives.receive(source, {});
      await turn();
      source.arrive();
      files.push(await received);
    }
    expect(sources.map(({ unpacked }) => unpacked)).toEqual([1, 0, 1]);
    expect(files[1]).toBe(files[0]);
    expect(files[2]).not.toBe(files[0]);
  });

  it("receives a few at a time, in turn, also when one breaks", async () => {
    const archives = new TokenizerArchives(2);
    const sources = Array.from({ length: 4 }, () => new SlowSource("a"));
    const asked = (): readonly boolean[] => sources.map(({ isAsked }) => isAsked);
    const received = sources.map((source) => archives.receive(source, {}));
    const outcomes = Promise.allSettled(received);
    await turn();
    expect(asked()).toEqual([true, true, false, false]);
    sources[0]?.break();
    await turn();
    expect(asked()).toEqual([true, true, true, false]);
    sources[1]?.arrive();
    sources[2]?.arrive();
    await turn();
    sources[3]?.arrive();
    expect((await outcomes).map(({ status }) => status)).toEqual([
      "rejected",
      "fulfilled",
      "fulfilled",
      "fulfilled",
    ]);
  });

  it("keeps the files of the latest contents only", async () => {
    const archives = new TokenizerArchives();
    const receive = async (sha256: string): Promise<number> => {
      const source = new SlowSource(sha256);
      const received = archives.receive(source, {});
      await turn();
      source.arrive();
      await received;
      return source.unpacked;
    };
    for (const sha256 of ["a", "b", "c", "d", "e"]) {
      await receive(sha256);
    }
    expect(await receive("e")).toBe(0);
    expect(await receive("a")).toBe(1);
  });
});
