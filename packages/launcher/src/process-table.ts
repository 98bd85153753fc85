import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { platform } from "node:process";

/** One running process of this machine. Zombies are not listed. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Tells two processes apart that had the same pid one after the other. */
  readonly startedAt: string;
}

/** Reads the table of running processes: /proc on Linux, `ps` elsewhere. */
export function readProcessTable(): readonly ProcessEntry[] {
  return platform === "linux" ? readProc() : readPs();
}

function readProc(): readonly ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const entry = readStat(name);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** proc(5): the name in parentheses may hold anything, so the fields are counted after the last one. */
function readStat(name: string): ProcessEntry | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${name}/stat`, "latin1");
  } catch {
    return undefined; // it ended meanwhile
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent = "", , session = ""] = fields;
  if (state === "Z" || state === "X") return undefined;
  return {
    pid: Number(name),
    parent: Number(parent),
    session: Number(session),
    startedAt: fields[19] ?? "",
  };
}

function readPs(): readonly ProcessEntry[] {
  const columns = ["-A", "-o", "pid=,ppid=,sess=,stat=,lstart="];
  const text = execFileSync("ps", columns, { encoding: "utf8" });
  return text.split("\n").flatMap((line) => {
    const [pid, parent, session, state, ...started] = line.trim().split(/\s+/);
    if (pid === undefined || state === undefined || state.startsWith("Z")) return [];
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        session: Number(session) || 0,
        startedAt: started.join(" "),
      },
    ];
  });
}

/** Whether the environment of a process holds the text; false when it cannot be read (only Linux shows it). */
export function environmentHolds(pid: number, text: string): boolean {
  if (platform !== "linux") return false;
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").split("\0").includes(text);
  } catch {
    return false;
  }
}
