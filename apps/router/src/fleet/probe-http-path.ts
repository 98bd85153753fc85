import { EngineError, type AdminCallOptions, type ProxyEngine } from "@vllm-router/engine-client";

/**
 * Asks an HTTP worker for a path and waits for the head of the answer alone.
 * @returns its status
 * @throws EngineError when nothing answers in time, `cancelled` on the signal
 */
export function probeHttpPath(engine: ProxyEngine, path: string, options: AdminCallOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = engine.forward(
      { method: "GET", path, headers: [], body: undefined, deadlineAtMs: options.deadlineAtMs },
      {
        head: ({ status }) => {
          settle();
          call.cancel();
          resolve(status);
        },
        data: () => undefined,
        flush: () => undefined,
        end: () => undefined,
        error: (error) => {
          settle();
          reject(error);
        },
      },
    );
    const aborted = (): void => {
      settle();
      call.cancel();
      reject(new EngineError("cancelled", "the probe was cancelled"));
    };
    const settle = (): void => options.signal?.removeEventListener("abort", aborted);
    if (options.signal?.aborted === true) {
      aborted();
    } else {
      options.signal?.addEventListener("abort", aborted, { once: true });
    }
  });
}
