import type { LauncherObserver } from "@vllm-router/launcher";

import type { Terminal } from "./terminal.ts";

/** Turns what the launcher tells into lines: output with the name of its process before it, and readiness. */
export function createReporter(terminal: Terminal): LauncherObserver {
  const startedAtMs = performance.now();
  return {
    line(name, stream, text) {
      const line = `[${name}] ${text}`;
      if (stream === "stdout") terminal.out(line);
      else terminal.error(line);
    },
    stateChanged(name, state) {
      if (state !== "ready") return;
      const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
      terminal.error(`vllm-serve: ${name} is ready after ${seconds} s`);
    },
    sweptLeftovers(name, count) {
      terminal.error(`vllm-serve: ended ${count} process${count === 1 ? "" : "es"} that ${name} left behind`);
    },
    guardRestarted() {
      terminal.error("vllm-serve: the guard process was ended from outside; another took its place");
    },
  };
}
