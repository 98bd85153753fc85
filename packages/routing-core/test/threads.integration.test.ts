import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { createLedger, ledgerBufferSizeBytes } from "../src/ledger.ts";
import { createBlockHasher } from "../src/prefix/block-keys.ts";
import { createPrefixIndex } from "../src/prefix/prefix-table.ts";

/** What `booking-thread.ts` is given. */
export interface SharedBuffers {
  readonly ledgerBuffer: SharedArrayBuffer;
  readonly indexBuffer: SharedArrayBuffer;
  readonly slotCapacity: number;
  readonly rounds: number;
  readonly promptLength: number;
}

describe("ledger and prefix index in several threads", () => {
  it("loses no booking, and reads while the only writer writes", async () => {
    const slotCapacity = 4;
    const promptLength = 40;
    const ledgerBuffer = new SharedArrayBuffer(ledgerBufferSizeBytes(slotCapacity));
    const capacityBytes = 1 << 15;
    const indexBuffer = new SharedArrayBuffer(createPrefixIndex({ slotCapacity, capacityBytes }).sizeBytes);
    const index = createPrefixIndex({
      slotCapacity,
      capacityBytes: indexBuffer.byteLength,
      buffer: indexBuffer,
    });
    const workerData: SharedBuffers = {
      ledgerBuffer,
      indexBuffer,
      slotCapacity,
      rounds: 20_000,
      promptLength,
    };
    const threads = [1, 2, 3].map(
      () => new Worker(new URL("booking-thread.ts", import.meta.url), { workerData, stderr: false }),
    );
    const signal = AbortSignal.timeout(15_000);
    const answers = Promise.all(threads.map((thread) => once(thread, "message", { signal })));
    let isWriting = true;
    const finished = answers.finally(() => {
      isWriting = false;
    });
    const hasher = createBlockHasher({ blockTokens: 1 });
    for (let round = 0; isWriting; round += 1) {
      const prompt = Int32Array.from({ length: promptLength }, (_, position) =>
        position < 4 ? position : round % 97,
      );
      index.insert(hasher.hashTokens(prompt, {}), round % slotCapacity);
      if (round % 64 === 0) {
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      }
    }
    const mostMatched = (await finished).map(([most]) => most as number);
    expect(mostMatched).toEqual([promptLength, promptLength, promptLength]);
    const ledger = createLedger({ slotCapacity, buffer: ledgerBuffer });
    expect([0, 1, 2, 3].map((slot) => ledger.isIdle(slot))).toEqual([true, true, true, true]);
    await Promise.all(threads.map((thread) => thread.terminate()));
  });
});
