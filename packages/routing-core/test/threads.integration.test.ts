import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { attachRing, ringBufferSizeBytes } from "../src/threads/spsc-ring.ts";
import { createLedger, ledgerBufferSizeBytes } from "../src/ledger.ts";
import { createBlockHasher } from "../src/prefix/block-keys.ts";
import { createPrefixIndex } from "../src/prefix/prefix-table.ts";

/** What `booking-thread.ts` is given. */
export interface SharedBuffers {
  readonly ledgerBuffer: SharedArrayBuffer;
  readonly indexBuffer: SharedArrayBuffer;
  readonly ringBuffer: SharedArrayBuffer;
  readonly thread: number;
  readonly threads: number;
  readonly slotCapacity: number;
  readonly rounds: number;
  readonly promptLength: number;
}

/** What it has to tell. */
export interface Found {
  readonly mostMatched: number;
  /** Lookups that claimed what no slot ever held. */
  readonly wrong: number;
  /** Lookups that the writer came across too often. */
  readonly unsettled: number;
  /** Records that found room in the ring. */
  readonly sent: number;
}

const THREADS = 3;

describe("ledger and prefix index in several threads", () => {
  it("loses no booking, and reads while the only writer writes", async () => {
    const slotCapacity = 4;
    const promptLength = 40;
    const ledgerBuffer = new SharedArrayBuffer(ledgerBufferSizeBytes(slotCapacity, THREADS));
    const capacityBytes = 1 << 15;
    const indexBuffer = new SharedArrayBuffer(createPrefixIndex({ slotCapacity, capacityBytes }).sizeBytes);
    const index = createPrefixIndex({
      slotCapacity,
      capacityBytes: indexBuffer.byteLength,
      buffer: indexBuffer,
    });
    const rings = Array.from({ length: THREADS }, () => new SharedArrayBuffer(ringBufferSizeBytes(64)));
    const threads = rings.map((ringBuffer, thread) => {
      const workerData: SharedBuffers = {
        ledgerBuffer,
        indexBuffer,
        ringBuffer,
        thread,
        threads: THREADS,
        slotCapacity,
        rounds: 20_000,
        promptLength,
      };
      return new Worker(new URL("booking-thread.ts", import.meta.url), { workerData, stderr: false });
    });
    const signal = AbortSignal.timeout(15_000);
    const answers = Promise.all(threads.map((thread) => once(thread, "message", { signal })));
    let isWriting = true;
    const finished = answers.finally(() => {
      isWriting = false;
    });
    const hasher = createBlockHasher({ blockTokens: 1 });
    const readers = rings.map((ring) => attachRing(ring));
    const received = readers.map(() => 0);
    const record = new Int32Array(64);
    const receive = (): void => {
      for (const [at, reader] of readers.entries()) {
        for (let words = reader.read(record); words >= 0; words = reader.read(record)) {
          const isAsSent = record[0] === received[at]! && record[words - 1] === words - 1;
          received[at] = isAsSent ? received[at]! + 1 : NaN;
        }
      }
    };
    for (let round = 0; isWriting; round += 1) {
      const prompt = Int32Array.from({ length: promptLength }, (_, position) =>
        position < 4 ? position : round % 97,
      );
      index.insert(hasher.hashTokens(prompt, {}), (round % 97) % slotCapacity);
      receive();
      if (round % 64 === 0) {
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      }
    }
    const found = (await finished).map(([message]) => message as Found);
    receive();
    expect(found.map(({ mostMatched }) => mostMatched)).toEqual([promptLength, promptLength, promptLength]);
    // Only a lookup that gave up may have mixed two instants.
    expect(found.filter(({ wrong, unsettled }) => wrong > unsettled)).toEqual([]);
    expect(received).toEqual(found.map(({ sent }) => sent));
    expect(found.every(({ sent }) => sent > 0)).toBe(true);
    const ledger = createLedger({ slotCapacity, buffer: ledgerBuffer, threads: THREADS });
    expect([0, 1, 2, 3].map((slot) => ledger.isIdle(slot))).toEqual([true, true, true, true]);
    await Promise.all(threads.map((thread) => thread.terminate()));
  });
});
