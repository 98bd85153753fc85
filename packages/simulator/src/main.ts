import { helpText } from "./flag-table.ts";
import { readCommandLine } from "./flags.ts";
import { SimulatorError } from "./simulator-error.ts";
import { startSimulator } from "./start-simulator.ts";

/** Time that running calls get after SIGTERM. */
const graceMs = 5000;

async function main(): Promise<void> {
  const commandLine = readCommandLine(process.argv.slice(2));
  if (commandLine.wantsHelp) {
    process.stdout.write(helpText());
    return;
  }
  const levels = ["info", "warn", "error"];
  const log = (level: "info" | "warn", line: string): void => {
    if (levels.indexOf(level) >= levels.indexOf(commandLine.logLevel))
      console.error(`vllm-simulator: ${line}`);
  };
  if (commandLine.ignored.length > 0) log("warn", `ignoring ${commandLine.ignored.join(", ")}`);
  const simulator = await startSimulator({
    ...commandLine.options,
    // A death that no handler can soften.
    died: () => process.kill(process.pid, "SIGKILL"),
  });
  // On standard output: a parent process reads the port here.
  const http = simulator.httpAddress === undefined ? "" : ` and http://${simulator.httpAddress}`;
  console.log(
    `vllm-simulator: ${simulator.servedModelNames.join(", ")} on grpc://${simulator.address}${http}`,
  );
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(1);
    isStopping = true;
    log("info", `${signal}: stopping`);
    // It ends by itself then; a process told to exit can hang (nodejs/node issue 54918).
    void simulator.close(graceMs);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof SimulatorError)) throw error;
  console.error(`vllm-simulator: ${error.message}`);
  process.exitCode = error.code === "listen_failed" ? 1 : 2;
}
