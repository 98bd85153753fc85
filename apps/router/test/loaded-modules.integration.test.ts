import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const main = new URL("../src/main.ts", import.meta.url).href;

// A router with workers that speak gRPC asks nobody by Node's fetch; its modules must not have it loaded.
it("loads no undici at its start, Node's neither: 40 ms and 13 MB", async () => {
  const script = `
    process.argv.push("vllm-router", "--version");
    await import(${JSON.stringify(main)});
    const loaded = process.moduleLoadList.filter((name) => /undici/.test(name));
    process.stdout.write(JSON.stringify(loaded));
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=@vllm-router/source", "--input-type=module", "--eval", script],
    { timeout: 60_000 },
  );
  expect(stdout).toMatch(/^vllm-router \S+\n\[\]$/u);
}, 70_000);
