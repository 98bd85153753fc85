import { describe, expect, it } from "vitest";
import { CallLimit } from "./call-limit.ts";

describe("CallLimit", () => {
  it("starts so many calls at once, the rest in order as others end", () => {
    const started: number[] = [];
    const limit = new CallLimit(2);
    for (const call of [1, 2, 3, 4]) limit.start(() => started.push(call));
    expect(started).toEqual([1, 2]);
    limit.ended();
    expect(started).toEqual([1, 2, 3]);
    limit.clear();
    limit.ended();
    limit.ended();
    expect(started).toEqual([1, 2, 3]);
    limit.start(() => started.push(5));
    expect(started).toEqual([1, 2, 3, 5]);
  });
});
