import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { freePort, RunningProgram } from "./running-program.ts";

/** A folder with a program named vllm that shows its arguments and does what FAKE_VLLM says. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "fake-vllm-"));
  const text = `#!/bin/sh
echo "vllm $*"
case "$FAKE_VLLM" in
  wait) trap 'echo stopped; exit 5' TERM; echo waiting; while :; do sleep 0.05; done ;;
  import-error) echo "ImportError: gRPC mode requires smg-grpc-servicer." >&2; exit 1 ;;
  *) exit 7 ;;
esac
`;
  writeFileSync(join(folder, "vllm"), text, { mode: 0o755 });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function serve(args: readonly string[], environment: Record<string, string> = {}): RunningProgram {
  const PATH = `${folder}${delimiter}${process.env["PATH"]}`;
  return new RunningProgram(args, { PATH, ...environment });
}

describe("vllm-serve without a mode", { timeout: 60_000 }, () => {
  it("is vllm serve, with its exit code", async () => {
    await using running = serve(["M", "--port", "1", "--tool-call-parser", "hermes"]);
    expect(await running.exit()).toBe(7);
    expect(running.output).toBe("vllm serve M --port 1 --tool-call-parser hermes");
  });

  it("is the very process, so that signals reach it", async () => {
    await using running = serve([], { FAKE_VLLM: "wait" });
    await running.line(/^waiting$/);
    running.signal("SIGTERM");
    expect(await running.exit()).toBe(5);
    expect(running.output).toContain("stopped");
  });

  it("says what to do where vLLM is missing", async () => {
    await using running = new RunningProgram(["M"], { PATH: "/nowhere" });
    expect(await running.exit()).toBe(1);
    expect(running.output).toContain("pip install 'vllm[grpc]'");
    expect(running.output).toContain("vllm-serve --demo");
  });
});

describe("vllm-serve --headless", { timeout: 60_000 }, () => {
  it("is vLLM's gRPC server, with a warning", async () => {
    const port = await freePort();
    await using running = serve(["M", "--headless", "--port", String(port), "-tp", "2"]);
    expect(await running.exit()).toBe(7);
    expect(running.output).toContain(`vllm serve M --grpc --host 0.0.0.0 --port ${port} -tp 2`);
    expect(running.output).toMatch(/warning: 0\.0\.0\.0:\d+ has no authentication/);
  });

  it("keeps vLLM's meaning for engines of one multi-node vLLM", async () => {
    await using running = serve(["M", "--headless", "--data-parallel-address", "10.0.0.1"]);
    expect(await running.exit()).toBe(7);
    expect(running.output).toBe("vllm serve M --headless --data-parallel-address 10.0.0.1");
  });

  it("does not share its port with another program", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" ? String(address?.port) : "";
    await using running = serve(["M", "--headless", "--host", "127.0.0.1", "--port", port]);
    expect(await running.exit()).toBe(1);
    expect(running.output).toContain(`port ${port} on 127.0.0.1 is in use by another program`);
    server.close();
  });
});

describe("vllm-serve", { timeout: 60_000 }, () => {
  it("names a flag that is not implemented and starts nothing", async () => {
    await using running = serve(["M", "--enable-router-as-api-server", "--tool-server=demo"]);
    expect(await running.exit()).toBe(2);
    expect(running.output).toMatch(/^vllm-serve: --tool-server is not implemented/);
  });

  it("shows help and version", async () => {
    await using help = serve(["--help"]);
    expect(await help.exit()).toBe(0);
    expect(help.output).toContain("Usage: vllm-serve [MODEL] --enable-router-as-api-server");
    await using version = serve(["--version"]);
    expect(await version.exit()).toBe(0);
    expect(version.output).toMatch(/^vllm-serve \d+\.\d+\.\d+$/);
  });

  it("tells an old Node that it is too old", async () => {
    const pretend = 'Object.defineProperty(process, "versions", { value: { node: "20.20.2" } })';
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(pretend)}`;
    await using running = serve(["--version"], { NODE_OPTIONS });
    expect(await running.exit()).toBe(1);
    expect(running.output).toContain("vllm-serve: needs Node 22.18 or newer");
  });

  it("brings everything down when vLLM dies, with its last lines and the cause", async () => {
    const port = String(await freePort());
    await using running = serve(
      [
        "M",
        "--enable-router-as-api-server",
        "--host",
        "127.0.0.1",
        "--port",
        port,
        "--router-prometheus-port",
        "0",
      ],
      { FAKE_VLLM: "import-error" },
    );
    expect(await running.exit()).toBe(1);
    expect(running.output).toContain("[engine 0] vllm serve M --grpc --host 127.0.0.1 --port ");
    expect(running.output).toContain(
      "vllm-serve: engine 0 ended unexpectedly (exit code 1); its last lines:",
    );
    expect(running.output).toContain("    ImportError: gRPC mode requires smg-grpc-servicer.");
    expect(running.output).toContain("pip install 'vllm[grpc]'");
  });
});
