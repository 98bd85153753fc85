import { CliError } from "./cli-error.ts";

/**
 * Replaces this process by another program: same process id, streams, signals and exit code.
 * @throws CliError program_missing where the system cannot do it
 */
export function replaceProcess(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): never {
  if (process.execve === undefined) {
    throw new CliError("program_missing", `this system cannot run ${command} in place of a program`);
  }
  // Node calls execve experimental and says so on every use.
  process.removeAllListeners("warning");
  const defined = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return process.execve(command, [command, ...args], Object.fromEntries(defined));
}
