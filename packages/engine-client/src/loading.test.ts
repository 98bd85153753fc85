import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);

/** Which of what is large and seldom needed is loaded by a program that connects so to engines of all kinds. */
async function loadedBy(options: Readonly<Record<string, string>>): Promise<string[]> {
  const entry = fileURLToPath(new URL("index.ts", import.meta.url));
  const source = `
    import { registerHooks } from "node:module";
    const loaded = new Set();
    registerHooks({ resolve(specifier, context, next) {
      if (/^(@grpc|undici|node:http2)/.test(specifier) && !context.parentURL?.includes("node_modules")) loaded.add(specifier);
      return next(specifier, context);
    } });
    const { connectEngine } = await import(${JSON.stringify(entry)});
    for (const dialect of ["vllm-engine", "vllm-inference", "http"]) {
      const connection = connectEngine({ dialect, address: "127.0.0.1:1", secure: false }, ${JSON.stringify(options)});
      await connection.close();
    }
    process.stdout.write(JSON.stringify([...loaded]));`;
  const { stdout } = await run(
    process.execPath,
    ["--conditions=@vllm-router/source", "--input-type=module", "--eval", source],
    {
      timeout: 30_000,
    },
  );
  return JSON.parse(stdout) as string[];
}

describe("what is loaded", () => {
  it("is no client of gRPC or HTTP but our own unless it is chosen", async () => {
    expect(await loadedBy({})).toEqual([]);
    expect(await loadedBy({ transport: "grpc-js", httpClient: "undici" })).toEqual([
      "@grpc/grpc-js",
      "undici",
    ]);
  });
});
