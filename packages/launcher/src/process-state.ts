/**
 * Where a supervised process stands:
 * `starting` it runs and has not answered its probe · `ready` it has · `stopping` it was told to end ·
 * `backoff` it ended and will be started again · `exited` it ended for good.
 */
export type ProcessState = "starting" | "ready" | "stopping" | "backoff" | "exited";

/** What can happen to a supervised process. */
export type ProcessEvent = "answered" | "told-to-stop" | "ended" | "ended-will-restart" | "restarted";

const transitions: Readonly<Record<ProcessState, Partial<Record<ProcessEvent, ProcessState>>>> = {
  starting: {
    answered: "ready",
    "told-to-stop": "stopping",
    ended: "exited",
    "ended-will-restart": "backoff",
  },
  ready: { "told-to-stop": "stopping", ended: "exited", "ended-will-restart": "backoff" },
  stopping: { ended: "exited" },
  backoff: { restarted: "starting", "told-to-stop": "exited", ended: "exited" },
  exited: {},
};

/** The state after an event; undefined when the event means nothing in this state. */
export function nextProcessState(state: ProcessState, event: ProcessEvent): ProcessState | undefined {
  return transitions[state][event];
}
