import { setFlagsFromString } from "node:v8";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { memoryReducerSwitch } from "./memory-reducer.ts";

vi.mock("node:v8", () => ({ setFlagsFromString: vi.fn<(flags: string) => void>() }));

describe("memoryReducerSwitch()", () => {
  beforeEach(() => {
    vi.mocked(setFlagsFromString).mockClear();
  });

  it("turns V8's own collections off and on again", () => {
    const set = memoryReducerSwitch(["--max-old-space-size=900", ""]);
    set(false);
    set(true);
    expect(vi.mocked(setFlagsFromString).mock.calls).toEqual(
      Number(process.versions.v8.split(".")[0]) >= 13
        ? [["--memory-reducer-gc-count=0"], ["--memory-reducer-gc-count=2"]]
        : [],
    );
  });

  it.each(["--no-memory-reducer", "--memory_reducer_gc_count=3", "--trace-gc --memory-reducer-gc-count=1"])(
    "leaves flags of the user's alone: %s",
    (flag) => {
      memoryReducerSwitch(["--trace-warnings", flag])(false);
      expect(setFlagsFromString).not.toHaveBeenCalled();
    },
  );
});
