import type { SharedPolicyState } from "./policy-definition.ts";
import { type Sessions, SessionTable } from "./session-table.ts";
import { SharedSessionTable } from "./shared-session-table.ts";

/** The sessions of a policy: its own, or those it shares with other threads. */
export function sessionsOf(
  bounds: { readonly capacity: number; readonly ttlMs: number },
  shared: SharedPolicyState | undefined,
): Sessions {
  return shared === undefined
    ? new SessionTable(bounds)
    : new SharedSessionTable(shared.buffer, { ...bounds, slotCapacity: shared.slotCapacity });
}
