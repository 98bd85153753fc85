import { describe, expect, it } from "vitest";

import { nearestName } from "./nearest-name.ts";

describe("nearestName()", () => {
  const known = ["port", "policy", "prometheus-port", "queue-size", "worker-urls"];

  it.each([
    ["prot", "port"],
    ["polcy", "policy"],
    ["worker-url", "worker-urls"],
    ["queue-sizes", "queue-size"],
    ["prometheus", "prometheus-port"],
  ])("finds %s → %s", (unknown, expected) => {
    expect(nearestName(unknown, known)).toBe(expected);
  });

  it("finds nothing for a name unlike all", () => {
    expect(nearestName("zzzzzzzz", known)).toBeUndefined();
  });
});
