const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Ctrl-C reaches a program under npm twice, from the terminal and from npm. */
const SAME_SIGNAL_MS = 300;

/**
 * Calls back at every SIGINT, SIGTERM and SIGHUP with how many came so far, so that the second can do what the first did
 * not. The same signal within 300 ms is one signal. Disposing it restores the default.
 * @param nowMs a clock in milliseconds
 */
export function onStopSignal(
  callback: (signal: NodeJS.Signals, count: number) => void,
  nowMs: () => number = () => performance.now(),
): Disposable {
  let count = 0;
  let last: { readonly signal: NodeJS.Signals; readonly atMs: number } | undefined;
  const handler = (signal: NodeJS.Signals): void => {
    const atMs = nowMs();
    const isEcho = last?.signal === signal && atMs - last.atMs < SAME_SIGNAL_MS;
    last = { signal, atMs };
    if (isEcho) return;
    count++;
    callback(signal, count);
  };
  for (const signal of SIGNALS) process.on(signal, handler);
  return {
    [Symbol.dispose]() {
      for (const signal of SIGNALS) process.off(signal, handler);
    },
  };
}
