import { readdirSync, readFileSync } from "node:fs";

/** Processor time of one thread so far, in clock ticks of 10 ms. */
export interface ThreadTime {
  readonly name: string;
  readonly user: number;
  readonly kernel: number;
}

/** The threads of a process by id; Linux's own account. Threads that have ended are not in it. */
export function threadTimes(pid: number): ReadonlyMap<string, ThreadTime> {
  const times = new Map<string, ThreadTime>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
    const nameEnd = stat.lastIndexOf(")");
    // The name is field 2; user and kernel time are 14 and 15 (proc(5)).
    const fields = stat.slice(nameEnd + 2).split(" ");
    const name = thread === String(pid) ? "first thread" : stat.slice(stat.indexOf("(") + 1, nameEnd);
    times.set(thread, { name, user: Number(fields[11]), kernel: Number(fields[12]) });
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
  before: ReadonlyMap<string, ThreadTime>,
  after: ReadonlyMap<string, ThreadTime>,
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
