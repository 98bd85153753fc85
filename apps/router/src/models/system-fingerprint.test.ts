import { describe, expect, it } from "vitest";
import { systemFingerprint, type FingerprintMode } from "./system-fingerprint.ts";

describe("systemFingerprint()", () => {
  const of = (mode: FingerprintMode, dataParallelSize = 1, contentHash = "abc"): string | null =>
    systemFingerprint(mode, "mine", { engineVersion: "0.32.0", dataParallelSize, contentHash });

  it("has vLLM's form and tells models apart", () => {
    expect(of("full")).toMatch(/^vllm-0\.32\.0-[0-9a-f]{8}$/);
    expect(of("full")).toBe(of("full"));
    expect(of("full", 1, "abd")).not.toBe(of("full"));
    expect(of("full", 4)).toMatch(/^vllm-0\.32\.0-dp4-[0-9a-f]{8}$/);
    expect(of("hash", 4)).not.toContain("dp4");
  });

  it("can be anything else or nothing", () => {
    expect(of("custom")).toBe("mine");
    expect(of("none")).toBeNull();
  });
});
