import { readFileSync } from "node:fs";

/** What Linux accounts to a process or a thread, in clock ticks of 10 ms. */
export interface ProcStat {
  readonly name: string;
  readonly user: number;
  readonly kernel: number;
}

/** Reads `stat` of `/proc/PID` or `/proc/PID/task/TID` (proc(5)); undefined for what has ended. */
export function procStat(folder: string): ProcStat | undefined {
  const stat = procText(`${folder}/stat`);
  if (stat === "") {
    return undefined;
  }
  // The name is field 2, in brackets, and may hold any character; user and kernel time are 14 and 15.
  const nameEnd = stat.lastIndexOf(")");
  const fields = stat.slice(nameEnd + 2).split(" ");
  return {
    name: stat.slice(stat.indexOf("(") + 1, nameEnd),
    user: Number(fields[11]),
    kernel: Number(fields[12]),
  };
}

/** The text of a file of `/proc`; empty for what has ended. */
export function procText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
