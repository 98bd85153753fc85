import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLedger, type LedgerEntry } from "./ledger.ts";

const SLOTS = 4;
const operation = fc.record({
  kind: fc.constantFrom("acquire", "first", "output", "release"),
  slot: fc.nat(SLOTS - 1),
  amount: fc.nat(5000),
  pick: fc.nat(1000),
});

describe("ledger properties", () => {
  it("always equals the sum of what is held, and returns to zero", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), fc.boolean(), (operations, isShared) => {
        const buffer = isShared ? new SharedArrayBuffer(1024) : new ArrayBuffer(1024);
        const ledger = createLedger({ slotCapacity: SLOTS, buffer });
        const held: { entry: LedgerEntry; slot: number; prompt: number; prefill: number; decode: number }[] =
          [];
        const everything: LedgerEntry[] = [];
        for (const { kind, slot, amount, pick } of operations) {
          const item = held[pick % Math.max(1, held.length)];
          if (kind === "acquire") {
            const entry = ledger.acquire(slot, { promptTokens: amount, prefillTokens: amount >> 1 });
            held.push({ entry, slot, prompt: amount, prefill: amount >> 1, decode: -1 });
            everything.push(entry);
          } else if (item !== undefined && kind === "first") {
            item.entry.firstOutput();
            item.decode = item.decode < 0 ? item.prompt : item.decode;
            item.prefill = 0;
          } else if (item !== undefined && kind === "output") {
            item.entry.addOutput(amount);
            item.decode += item.decode < 0 ? 0 : amount;
          } else if (item !== undefined) {
            item.entry.release();
            held.splice(held.indexOf(item), 1);
          }
          for (let each = 0; each < SLOTS; each += 1) {
            const mine = held.filter((one) => one.slot === each);
            expect(ledger.requests(each)).toBe(mine.length);
            expect(ledger.prefillTokens(each)).toBe(mine.reduce((sum, one) => sum + one.prefill, 0));
            expect(ledger.decodeTokens(each)).toBe(
              mine.reduce((sum, one) => sum + Math.max(0, one.decode), 0),
            );
          }
        }
        expect(ledger.doubleReleases).toBe(0);
        everything.forEach((entry) => entry.release());
        expect(ledger.doubleReleases).toBe(everything.length - held.length);
        expect(Array.from({ length: SLOTS }, (_, slot) => ledger.isIdle(slot))).toEqual([
          true,
          true,
          true,
          true,
        ]);
      }),
      { numRuns: 150, seed: 3 },
    );
  });
});
