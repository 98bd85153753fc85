import type { EngineAdapters, WorkerSlot } from "@vllm-router/routing-core";
import type { EngineIdentity } from "../disaggregation/connector.ts";
import { Adoptions } from "./adoptions.ts";
import type { IdentityLearned, LifeId, ToThread } from "./thread-messages.ts";

type FleetMessage = Extract<ToThread, { readonly kind: "fleet" }>;

/** What request threads have been told of the engines, for threads that are started later. */
export class ThreadKnowledge {
  readonly adoptions = new Adoptions();
  /** What the fleet published last: told to a thread when it is about to serve. */
  fleet: FleetMessage | undefined;
  readonly #adapters = new Map<WorkerSlot, EngineAdapters>();
  readonly #identities = new Map<LifeId, EngineIdentity>();

  /** The adapters that an engine reports are others than before. */
  setAdapters(slot: WorkerSlot, adapters: EngineAdapters | undefined): void {
    if (adapters === undefined) {
      this.#adapters.delete(slot);
    } else {
      this.#adapters.set(slot, adapters);
    }
  }

  /** A thread heard from a prefill engine what its connector is known by, or that this is void. */
  setIdentity({ life, identity }: IdentityLearned): void {
    if (identity === undefined || !this.adoptions.has(life)) {
      this.#identities.delete(life);
    } else {
      this.#identities.set(life, identity);
    }
  }

  /** An engine is not in use any more. */
  ended(life: LifeId): void {
    this.#identities.delete(life);
  }

  /** Everything that a thread which is started now has missed. */
  replay(): readonly ToThread[] {
    return [
      ...this.adoptions.replay().map((adoption): ToThread => ({ kind: "adopt", adoption })),
      ...Array.from(this.#adapters, ([slot, adapters]): ToThread => ({ kind: "adapters", slot, adapters })),
      ...Array.from(this.#identities, ([life, identity]): ToThread => ({ kind: "identity", life, identity })),
    ];
  }
}
