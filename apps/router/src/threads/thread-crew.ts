import type { SharedDoors } from "./shared-doors.ts";
import type { ThreadHandle } from "./thread-handle.ts";
import type { ToThread } from "./thread-messages.ts";

/** The request threads there are, and ways to tell them something. */
export class ThreadCrew {
  readonly #handles: ThreadHandle[] = [];
  readonly #size: number;

  /** @param size How many there are when all have been started. */
  constructor(size: number) {
    this.#size = size;
  }

  /** Those that were started, by number. */
  get handles(): readonly ThreadHandle[] {
    return this.#handles;
  }

  /** A thread was started, in the place of one that died maybe. */
  add(handle: ThreadHandle): void {
    this.#handles[handle.thread] = handle;
  }

  /** Whether all of them serve and have seen a version of the fleet. */
  haveSeen(version: number): boolean {
    return (
      this.#handles.length === this.#size &&
      this.#handles.every((handle) => handle.isServing && handle.seenVersion >= version)
    );
  }

  /** Tells one of them, or all. */
  tell(message: ToThread, thread?: number): void {
    for (const handle of this.#handles) {
      if (thread === undefined || handle.thread === thread) {
        handle.tell(message);
      }
    }
  }

  /** Tells those that serve. */
  tellServing(message: ToThread): void {
    for (const handle of this.#handles) {
      if (handle.isServing) {
        handle.tell(message);
      }
    }
  }

  /** Tells all but one. */
  tellOthers(thread: number, message: ToThread): void {
    for (const handle of this.#handles) {
      if (handle.thread !== thread) {
        handle.tell(message);
      }
    }
  }

  /** A thread gave places back: whoever else has requests waiting may let them in. */
  tellWaiting(thread: number, doors: SharedDoors): void {
    for (const handle of this.#handles) {
      if (handle.thread !== thread && doors.hasWaiting(handle.thread)) {
        handle.tell({ kind: "places-freed" });
      }
    }
  }
}
