import { describe, expect, it } from "vitest";

import { nextProcessState, type ProcessEvent, type ProcessState } from "./process-state.ts";

function run(...events: readonly ProcessEvent[]): readonly (ProcessState | undefined)[] {
  let state: ProcessState | undefined = "starting";
  return events.map((event) => (state = state && nextProcessState(state, event)));
}

describe("nextProcessState()", () => {
  it("goes through an ordinary life", () => {
    expect(run("answered", "told-to-stop", "ended")).toEqual(["ready", "stopping", "exited"]);
  });

  it("goes through a restart", () => {
    expect(run("ended-will-restart", "restarted", "answered")).toEqual(["backoff", "starting", "ready"]);
  });

  it("is not ready any more once told to stop", () => {
    expect(run("told-to-stop", "answered")).toEqual(["stopping", undefined]);
  });

  it("does not come back from the end", () => {
    expect(run("ended", "restarted")).toEqual(["exited", undefined]);
    expect(run("ended-will-restart", "told-to-stop", "restarted")).toEqual(["backoff", "exited", undefined]);
  });
});
