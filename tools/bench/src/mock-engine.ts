import { setTimeout as pause } from "node:timers/promises";
import { rigProgram, TOKENIZER_FOLDER } from "./bench-paths.ts";
import { LOAD_CORE, PinnedProcess } from "./pinned-process.ts";
import { ADMIN_PORT, FIRST_GRPC_PORT, FIRST_HTTP_PORT, MOCK_WORKERS } from "./ports.ts";

const START_ATTEMPTS = 100;

/** The engine behind every candidate: never the limit. */
export class MockEngine {
  readonly process: PinnedProcess;

  private constructor(running: PinnedProcess) {
    this.process = running;
  }

  /** Starts it. @throws Error when it does not answer */
  static async start(): Promise<MockEngine> {
    const running = new PinnedProcess({
      core: LOAD_CORE,
      command: [
        rigProgram("mockengine"),
        "--http",
        `${FIRST_HTTP_PORT}-${ADMIN_PORT}`,
        "--grpc",
        `${FIRST_GRPC_PORT}-${FIRST_GRPC_PORT + MOCK_WORKERS - 1}`,
        "--tokenizer-dir",
        TOKENIZER_FOLDER,
      ],
    });
    for (let attempt = 0; attempt < START_ATTEMPTS && !running.isGone; attempt += 1) {
      try {
        await fetch(`http://127.0.0.1:${ADMIN_PORT}/health`);
        return new MockEngine(running);
      } catch {
        await pause(50);
      }
    }
    throw new Error("the mock engine did not start; run tools/bench/setup");
  }

  /** Sets the milliseconds between two steps of all streams. @throws Error when it does not take it */
  async setStep(stepMs: number): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${ADMIN_PORT}/mock/config?step_ms=${stepMs}&ttft_ms=0`, {
      method: "POST",
    });
    if (!response.ok) {
      throw new Error(`the mock engine answered ${response.status} to its settings`);
    }
  }
}
