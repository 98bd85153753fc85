import { execFileSync } from "node:child_process";

import { describe, expect, it } from "vitest";

import { banner } from "./banner.ts";
import { helpText } from "./help.ts";
import type { LocalPlan } from "./plan.ts";
import { readPlan } from "./read-plan.ts";

describe("banner()", () => {
  const plan = readPlan(["--demo"], { readFile: () => "" }) as LocalPlan;

  it("shows the address, a curl line and the way to a real vLLM", () => {
    const text = banner({ plan, model: "m", command: "npm start --" });
    expect(text).toContain("ready on http://127.0.0.1:8000 (2 simulated engines, model m)");
    expect(text).toContain("npm start -- Qwen/Qwen3-0.6B --enable-router-as-api-server");
    expect(text).toContain("pip install 'vllm[grpc]'");
  });

  it("has a curl line that the shell takes as it stands", () => {
    const text = banner({ plan, model: "it's", command: "" });
    const curl = text.split("\n").find((line) => line.trim().startsWith("curl ")) ?? "";
    // printf in the place of curl shows the arguments as the shell sees them.
    const shown = execFileSync("sh", ["-c", curl.replace("curl ", "printf '%s\\n' ")], {
      encoding: "utf8",
    });
    const [address, , , , body = ""] = shown.split("\n");
    expect(address).toBe("http://127.0.0.1:8000/v1/chat/completions");
    expect(JSON.parse(body)).toMatchObject({ model: "it's" });
  });

  it("sends the key in its curl line, and does not show it", () => {
    const inEnvironment = banner({ plan, model: "m", command: "", hasKeyInEnvironment: true });
    expect(inEnvironment).toContain('-H "Authorization: Bearer $VLLM_API_KEY" -d');
    const argv = ["--demo", "--api-key", "secret"];
    const flagged = readPlan(argv, { readFile: () => "" }) as LocalPlan;
    const byFlag = banner({ plan: flagged, model: "m", command: "" });
    expect(byFlag).toContain("-H 'Authorization: Bearer YOUR_API_KEY' -d");
    expect(byFlag).not.toContain("secret");
  });

  it("shows an address of this machine for one that means all", () => {
    const text = banner({ plan: { ...plan, host: "0.0.0.0" }, model: "m", command: "" });
    expect(text).toContain("ready on http://127.0.0.1:8000");
  });
});

describe("helpText()", () => {
  it.each([80, 100])("fits %i columns", (width) => {
    const long = helpText(width)
      .split("\n")
      .filter((line) => line.length > width && !line.startsWith("  vllm-serve "));
    expect(long).toEqual([]);
  });
});
