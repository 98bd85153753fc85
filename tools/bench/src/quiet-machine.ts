import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const LOOK_MS = 500;
/** Ticks (10 ms) of all cores in one look below which the machine counts as quiet. */
const QUIET_TICKS = 12;

/** Waits until other work leaves the machine mostly alone, `QUIET_S` seconds (120) at most. */
export async function untilQuiet(): Promise<void> {
  const looks = Number(process.env["QUIET_S"] ?? 120);
  for (let look = 0; look < looks; look += 1) {
    const before = busyTicks();
    await pause(LOOK_MS);
    if (busyTicks() - before < QUIET_TICKS) {
      return;
    }
    await pause(LOOK_MS);
  }
}

function busyTicks(): number {
  const [cpu = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  return cpu
    .split(/\s+/u)
    .slice(1, 4)
    .reduce((sum, ticks) => sum + Number(ticks), 0);
}
