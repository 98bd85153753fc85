import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { GenerateResponse } from "./messages.ts";

const run = promisify(execFile);

describe("messages entry", () => {
  it("loads no gRPC library", async () => {
    const entry = fileURLToPath(new URL("messages.ts", import.meta.url));
    const source = `
      import { registerHooks } from "node:module";
      registerHooks({ resolve(specifier, context, next) {
        if (specifier.startsWith("@grpc/")) throw new Error("loaded " + specifier);
        return next(specifier, context);
      } });
      await import(${JSON.stringify(entry)});`;
    const { stderr } = await run(process.execPath, ["--input-type=module", "--eval", source], {
      timeout: 15_000,
    });
    expect(stderr).toBe("");
  });

  it("skips fields it does not know", () => {
    const bytes = Uint8Array.of(0x0a, 0x05, 0x0a, 0x01, 0x07, 0x38, 0x02, 0xf8, 0x7f, 0x01);
    expect(GenerateResponse.decode(bytes).response).toMatchObject({
      $case: "chunk",
      value: { tokenIds: [7], index: 2 },
    });
  });
});
