import { readdirSync, readFileSync } from "node:fs";

/**
 * Processes of this machine that inherited `variable=value`, as `PID COMMAND` lines. Zombies do not count: they hold
 * nothing, and who reaps them is the business of the machine's init.
 */
export function markedProcesses(variable: string, value: string): readonly string[] {
  const found: string[] = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) {
      continue;
    }
    const environment = read(`/proc/${entry}/environ`);
    if (environment?.split("\0").includes(`${variable}=${value}`) === true && !isZombie(entry)) {
      found.push(`${entry} ${(read(`/proc/${entry}/cmdline`) ?? "").replaceAll("\0", " ").slice(0, 160)}`);
    }
  }
  return found;
}

function isZombie(pid: string): boolean {
  return / [ZX] /.test((read(`/proc/${pid}/stat`) ?? " Z ").replace(/^.*\)/, ""));
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
