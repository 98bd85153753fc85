import { readdirSync } from "node:fs";
import { procStat, type ProcStat } from "./proc-stat.ts";

/** The threads of a process by id, the first one by a name that says so. Threads that have ended are not in it. */
export function threadTimes(pid: number): ReadonlyMap<string, ProcStat> {
  const times = new Map<string, ProcStat>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = procStat(`/proc/${pid}/task/${thread}`);
    if (stat !== undefined) {
      times.set(thread, thread === String(pid) ? { ...stat, name: "first thread" } : stat);
    }
  }
  return times;
}

/** A part of a process's processor time between two accounts. */
export interface ThreadShare {
  readonly name: string;
  readonly share: number;
}

/** What threads of one name used between two accounts, the kernel's part by itself, largest first. */
export function threadShares(
  before: ReadonlyMap<string, ProcStat>,
  after: ReadonlyMap<string, ProcStat>,
): readonly ThreadShare[] {
  const ticks = new Map<string, number>();
  const add = (name: string, count: number): void => void ticks.set(name, (ticks.get(name) ?? 0) + count);
  for (const [thread, { name, user, kernel }] of after) {
    const earlier = before.get(thread);
    add(name, user - (earlier?.user ?? 0));
    add(`${name}, kernel`, kernel - (earlier?.kernel ?? 0));
  }
  const all = [...ticks.values()].reduce((sum, count) => sum + count, 0);
  return [...ticks]
    .filter(([, count]) => count > 0)
    .map(([name, count]) => ({ name, share: count / all }))
    .toSorted((left, right) => right.share - left.share);
}
