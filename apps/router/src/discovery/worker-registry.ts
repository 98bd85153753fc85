import type { WorkerRole } from "@vllm-router/routing-core";
import type { MoriioAddress, MoriioMode } from "../disaggregation/moriio-address.ts";
import { readAnnouncement, type Announcement } from "./announcement.ts";

/** The fleet, as far as engines that announce themselves go. */
export interface AnnouncedFleet {
  register(url: string, role: WorkerRole): boolean;
  remove(url: string): Promise<boolean>;
  /** The role of a registered worker; undefined for another. */
  roleOf(url: string): WorkerRole | undefined;
  suspect(url: string): void;
}

/** How long and how many. */
export interface WorkerRegistryOptions {
  readonly fleet: AnnouncedFleet;
  /** An engine that was silent for so long is gone, milliseconds. */
  readonly silenceMs: number;
  /** Engines that are known at one time. */
  readonly capacity: number;
  /** What MoRI-IO engines must be set to; undefined where no engine has to say. */
  readonly mode: MoriioMode | undefined;
  /** Milliseconds of a steady clock. */
  readonly nowMs: () => number;
  /** A message was passed over. */
  readonly refused: (reason: string, from: string) => void;
}

interface Entry {
  readonly announcement: Announcement;
  /** False for a worker that the configuration names: it stays. */
  readonly isOwn: boolean;
  readonly heardAtMs: number;
}

/**
 * Engines that announce themselves: added to the fleet by their first message, kept by the following, removed after
 * silence. A worker that the configuration names as well stays, and is found where it has announced to be.
 */
export class WorkerRegistry {
  readonly #options: WorkerRegistryOptions;
  readonly #entries = new Map<string, Entry>();
  #sweptAtMs: number;

  constructor(options: WorkerRegistryOptions) {
    this.#options = options;
    this.#sweptAtMs = options.nowMs();
  }

  /** Where a worker's MoRI-IO connector is by its own word; undefined where it has not said. */
  addressOf(url: string): MoriioAddress | undefined {
    return this.#entries.get(url)?.announcement.moriio;
  }

  /** Takes a message: its last part counts, what stands before is routing. */
  take(parts: readonly Uint8Array[], from: string): void {
    const announcement = readAnnouncement(parts.at(-1) ?? new Uint8Array());
    const reason = typeof announcement === "string" ? announcement : this.#objection(announcement);
    if (reason !== undefined || typeof announcement === "string") {
      this.#options.refused(reason ?? "", from);
      return;
    }
    const { fleet, nowMs } = this.#options;
    const { url, role } = announcement;
    const before = this.#entries.get(url);
    // Before the fleet reaches for it: that asks where it is.
    const entry: Entry = { announcement, isOwn: before?.isOwn ?? true, heardAtMs: nowMs() };
    this.#entries.set(url, entry);
    if (before === undefined) {
      const isNew = fleet.register(url, role);
      this.#entries.set(url, { ...entry, isOwn: isNew });
    }
    if (fleet.roleOf(url) !== undefined && !isSame(before?.announcement.moriio, announcement.moriio)) {
      fleet.suspect(url);
    }
  }

  /** Removes engines that have been silent for too long. To be called several times within that time. */
  sweep(): void {
    const { silenceMs, nowMs, fleet } = this.#options;
    const now = nowMs();
    const sinceLastMs = now - this.#sweptAtMs;
    this.#sweptAtMs = now;
    if (sinceLastMs > silenceMs / 2) {
      // It is the router that was held up: messages lie there unread.
      for (const [url, entry] of this.#entries) {
        this.#entries.set(url, { ...entry, heardAtMs: entry.heardAtMs + sinceLastMs });
      }
      return;
    }
    for (const [url, { isOwn, heardAtMs }] of this.#entries) {
      if (isOwn && now - heardAtMs >= silenceMs) {
        this.#entries.delete(url);
        void fleet.remove(url);
      }
    }
  }

  #objection({ url, role, moriio, mode }: Announcement): string | undefined {
    const { fleet, capacity, mode: wanted } = this.#options;
    const known = fleet.roleOf(url);
    if (known !== undefined && known !== role) {
      return `${url} is registered for ${known}, and announces itself for ${role}`;
    }
    if (wanted !== undefined && moriio === undefined) {
      return `${url} does not say where its MoRI-IO connector is`;
    }
    if (wanted !== undefined && mode !== undefined && mode !== wanted) {
      return `${url} is set to ${mode} over MoRI-IO, the router to ${wanted}: see --moriio-transfer-mode`;
    }
    return this.#entries.has(url) || this.#entries.size < capacity
      ? undefined
      : `${url} is one more than the ${capacity} engines that may be registered`;
  }
}

function isSame(left: MoriioAddress | undefined, right: MoriioAddress | undefined): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
