import { describe, expect, it } from "vitest";
import { createLedger, ledgerBufferSizeBytes } from "./ledger.ts";

describe("createLedger()", () => {
  it("moves a generation from prefill to decode at its first output and takes all back at release", () => {
    const ledger = createLedger({ slotCapacity: 4 });
    const entry = ledger.acquire(2, { promptTokens: 100, prefillTokens: 36 });
    expect([ledger.requests(2), ledger.prefillTokens(2), ledger.decodeTokens(2)]).toEqual([1, 36, 0]);
    entry.addOutput(5);
    entry.firstOutput();
    entry.firstOutput();
    expect([ledger.requests(2), ledger.prefillTokens(2), ledger.decodeTokens(2)]).toEqual([1, 0, 100]);
    entry.addOutput(7);
    expect(ledger.decodeTokens(2)).toBe(107);
    expect(ledger.isIdle(2)).toBe(false);
    expect(entry.release()).toBe(true);
    entry.firstOutput();
    entry.addOutput(1);
    expect([0, 1, 2, 3].every((slot) => ledger.isIdle(slot))).toBe(true);
  });

  it("books a second release nowhere but counts it", () => {
    const ledger = createLedger({ slotCapacity: 1 });
    const entry = ledger.acquire(0, { promptTokens: 1, prefillTokens: 1 });
    ledger.acquire(0, { promptTokens: 1, prefillTokens: 1 });
    expect([entry.release(), entry.release(), entry.release()]).toEqual([true, false, false]);
    expect(ledger.doubleReleases).toBe(2);
    expect(ledger.requests(0)).toBe(1);
  });

  it("is one ledger for all objects over one shared buffer", () => {
    const buffer = new SharedArrayBuffer(ledgerBufferSizeBytes(8));
    const here = createLedger({ slotCapacity: 8, buffer });
    const there = createLedger({ slotCapacity: 8, buffer });
    const entry = here.acquire(7, { promptTokens: 10, prefillTokens: 10 });
    there.acquire(7, { promptTokens: 5, prefillTokens: 5 }).firstOutput();
    expect([there.requests(7), there.prefillTokens(7), here.decodeTokens(7)]).toEqual([2, 10, 5]);
    entry.release();
    expect(there.totalRequests()).toBe(1);
  });

  it("gives back exactly what it took, whatever the numbers", () => {
    const ledger = createLedger({ slotCapacity: 1 });
    const entry = ledger.acquire(0, { promptTokens: 10.7, prefillTokens: -3.2 });
    entry.firstOutput();
    entry.addOutput(2.9);
    expect(ledger.decodeTokens(0)).toBe(12);
    entry.release();
    expect(ledger.isIdle(0)).toBe(true);
  });

  it("refuses a slot it does not have and a buffer that is too small", () => {
    const ledger = createLedger({ slotCapacity: 2 });
    expect(() => ledger.acquire(2, { promptTokens: 1, prefillTokens: 1 })).toThrow("outside the ledger's 2");
    expect(() => ledger.acquire(-1, { promptTokens: 1, prefillTokens: 1 })).toThrow("outside");
    expect(() => createLedger({ slotCapacity: 2, buffer: new ArrayBuffer(8) })).toThrow("2 slots need 128");
  });

  it("tells what a thread that died had in flight from what the others have", () => {
    const buffer = new SharedArrayBuffer(ledgerBufferSizeBytes(2, 3));
    const [first, second, reader] = [0, 1, 2].map((thread) =>
      createLedger({ slotCapacity: 2, buffer, threads: 3, thread }),
    );
    first!.acquire(1, { promptTokens: 10, prefillTokens: 10 }).firstOutput();
    const kept = second!.acquire(1, { promptTokens: 7, prefillTokens: 5 });
    expect([reader!.requests(1), reader!.prefillTokens(1), reader!.decodeTokens(1)]).toEqual([2, 5, 10]);
    const columns = {
      inFlightRequests: new Int32Array(2),
      prefillTokens: new Int32Array(2),
      decodeTokens: new Int32Array(2),
    };
    reader!.readInto(columns, Int32Array.of(1, 0), 2);
    expect([...columns.inFlightRequests]).toEqual([2, 0]);
    reader!.forgetThread(0);
    expect([first!.requests(1), first!.prefillTokens(1), first!.decodeTokens(1)]).toEqual([1, 5, 0]);
    kept.release();
    expect(reader!.isIdle(1)).toBe(true);
    expect(reader!.totalRequests()).toBe(0);
    expect(() => createLedger({ slotCapacity: 2, threads: 2, thread: 2 })).toThrow("thread 2");
    expect(() => reader!.forgetThread(3)).toThrow("no thread 3");
  });
});
