const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Calls back at every SIGINT, SIGTERM and SIGHUP with how many came so far, so that the second can do what the first did
 * not. Disposing it restores the default.
 */
export function onStopSignal(callback: (signal: NodeJS.Signals, count: number) => void): Disposable {
  let count = 0;
  const handler = (signal: NodeJS.Signals): void => {
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
