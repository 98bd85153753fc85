import { setTimeout as delay } from "node:timers/promises";

import { environmentHolds, readProcessTable, type ProcessEntry } from "./process-table.ts";

/** The variable that marks everything a supervised process starts. Its name avoids VLLM_, which vLLM checks. */
export const MARK_VARIABLE = "LAUNCH_FAMILY";

/** A supervised process and all that descends from it. */
export interface Family {
  /** The first process; also the id of its session. */
  readonly leader: number | undefined;
  /** Value of the marking variable. */
  readonly mark: string;
}

/**
 * Lists the living members of a family: the leader, its descendants, its session, and whatever carries its mark. The
 * last two find processes whose parent is gone or that left the process group, as vLLM's workers do.
 * @param known members found earlier, by pid; kept when they still live, and their descendants with them
 */
function familyMembers(
  family: Family,
  known: ReadonlyMap<number, ProcessEntry>,
): ReadonlyMap<number, ProcessEntry> {
  const table = readProcessTable();
  const members = new Map<number, ProcessEntry>();
  const marked = `${MARK_VARIABLE}=${family.mark}`;
  for (const entry of table) {
    if (entry.pid === process.pid) continue;
    const belongs =
      entry.pid === family.leader ||
      (family.leader !== undefined && entry.session === family.leader) ||
      known.get(entry.pid)?.startedAt === entry.startedAt ||
      environmentHolds(entry.pid, marked);
    if (belongs) members.set(entry.pid, entry);
  }
  let grown = true;
  while (grown) {
    grown = false;
    for (const entry of table) {
      if (members.has(entry.pid) || !members.has(entry.parent)) continue;
      members.set(entry.pid, entry);
      grown = true;
    }
  }
  return members;
}

const POLL_MS = 50;
const EMPTY_LOOKS = 3;
const KILL_DEADLINE_MS = 10_000;

/**
 * Ends what still lives of a family: SIGTERM to each member, SIGKILL to what is left after the grace, until nothing is
 * left (or, should the kernel hold a process, ten seconds after SIGKILL).
 * @param graceMs time between the two signals, in milliseconds
 * @param hurry kills at once when aborted
 * @returns how many processes were found alive
 */
export async function endFamily(family: Family, graceMs: number, hurry?: AbortSignal): Promise<number> {
  const startedAtMs = performance.now();
  const told = new Set<string>();
  let known: ReadonlyMap<number, ProcessEntry> = new Map();
  let found = 0;
  let emptyLooks = 0;
  for (;;) {
    known = familyMembers(family, known);
    // While a process replaces its image its environment reads as empty, so one look is not enough.
    emptyLooks = known.size === 0 ? emptyLooks + 1 : 0;
    if (emptyLooks === EMPTY_LOOKS) return found;
    found = Math.max(found, known.size);
    const elapsedMs = performance.now() - startedAtMs;
    if (elapsedMs > graceMs + KILL_DEADLINE_MS) return found;
    for (const entry of known.values()) {
      const signal = elapsedMs >= graceMs || hurry?.aborted === true ? "SIGKILL" : "SIGTERM";
      const key = `${entry.pid} ${signal}`;
      if (told.has(key)) continue;
      told.add(key);
      sendSignal(entry.pid, signal);
    }
    await delay(POLL_MS);
  }
}

/** Sends a signal; a process that is gone already is fine. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}
