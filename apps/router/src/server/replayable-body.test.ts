import { describe, expect, it } from "vitest";
import { BodyTooLargeError, ReplayableBody } from "./replayable-body.ts";

function bodyOf(
  rest: readonly Uint8Array[],
  limitBytes = 100,
): { body: ReplayableBody; taken: () => number } {
  let taken = 0;
  const iterator: AsyncIterator<Uint8Array> = {
    next: async () => {
      const value = rest[taken];
      taken += 1;
      return value === undefined ? { done: true, value } : { done: false, value };
    },
  };
  const held = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  return {
    body: new ReplayableBody({ lengthBytes: undefined, held, rest: iterator, limitBytes }),
    taken: () => taken,
  };
}

async function read(body: ReplayableBody, pieces = Infinity): Promise<number[]> {
  const bytes: number[] = [];
  let count = 0;
  for await (const piece of body.open()) {
    bytes.push(...piece);
    count += 1;
    if (count === pieces) break;
  }
  return bytes;
}

describe("ReplayableBody", () => {
  it("gives its beginning again and again until something behind it was taken", async () => {
    const { body, taken } = bodyOf([Uint8Array.of(4), Uint8Array.of(5)]);
    expect([...body.held]).toEqual([1, 2, 3]);
    expect(await read(body, 2)).toEqual([1, 2, 3]);
    expect([body.isSpent, taken()]).toEqual([false, 0]);
    expect(await read(body)).toEqual([1, 2, 3, 4, 5]);
    expect([body.isSpent, body.receivedBytes]).toEqual([true, 5]);
  });

  it("takes no more of the rest than it is asked for", async () => {
    const { body, taken } = bodyOf([Uint8Array.of(4), Uint8Array.of(5), Uint8Array.of(6)]);
    expect(await read(body, 3)).toEqual([1, 2, 3, 4]);
    expect(taken()).toBe(1);
  });

  it("fails beyond the limit", async () => {
    const { body } = bodyOf([Uint8Array.of(4, 5, 6)], 5);
    await expect(read(body)).rejects.toThrow(BodyTooLargeError);
  });
});
