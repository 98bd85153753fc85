import type { Decisions } from "../decisions/create-decisions.ts";
import type { FleetView } from "../fleet/fleet-view.ts";
import type { Routing } from "../fleet/routing.ts";
import { ShadowReceiver } from "./shadow-receiver.ts";
import { ThreadPolicies } from "./thread-policies.ts";
import type { FromThread, Question, ToThread } from "./thread-messages.ts";

/** What {@link ThreadServices} works with. */
export interface ThreadServicesOptions {
  readonly fleet: FleetView;
  readonly routing: Pick<Routing, "shadows">;
  readonly decisions: Pick<Decisions, "journal" | "observer">;
  /** Request threads. */
  readonly threads: number;
  /** Has one thread, or all, do without the policy of such a file. */
  readonly policyGivenUp: (hash: string, thread?: number) => void;
  /** The metrics of all threads. */
  readonly metricsText: () => Promise<string>;
}

/** What is said to it. */
type ServiceMessage = Extract<FromThread, { readonly kind: "ask" | "explained" | "shadow" | "policy" }>;

/** A request thread, as far as it is answered. */
interface Asking {
  readonly thread: number;
  tell(message: ToThread): void;
}

/** What this thread keeps for all request threads beside the engines: decisions, metrics, shadow policies. */
export class ThreadServices {
  readonly #options: ThreadServicesOptions;
  readonly #shadows: ShadowReceiver | undefined;
  readonly #policies: ThreadPolicies;

  constructor(options: ThreadServicesOptions) {
    const { fleet, routing, decisions, threads, policyGivenUp: giveUp } = options;
    this.#options = options;
    this.#policies = new ThreadPolicies({ threads, observer: decisions.observer, giveUp });
    this.#shadows =
      routing.shadows === undefined
        ? undefined
        : new ShadowReceiver({ shadows: routing.shadows, fleet, observer: decisions.observer });
  }

  /** Takes what a thread says or asks. */
  receive(from: Asking, message: ServiceMessage): void {
    switch (message.kind) {
      case "ask":
        void this.#answer(message.about).then((answer) =>
          from.tell({ kind: "answer", question: message.question, answer }),
        );
        return;
      case "explained": {
        const { decision, isSampled, placement } = message;
        const shadows = this.#shadows?.decisionsOf(from.thread, placement) ?? [];
        this.#options.decisions.journal.add({ ...decision, shadows }, isSampled);
        return;
      }
      case "policy":
        this.#policies.receive(from.thread, message.news);
        return;
      case "shadow":
        if (this.#shadows !== undefined) {
          const taken = this.#shadows.receive(from.thread, message.records, message.dropped);
          from.tell({ kind: "shadow-taken", ...taken });
        }
    }
  }

  /** A thread is gone, and its requests with it. */
  forgetThread(thread: number): void {
    this.#policies.forgetThread(thread);
    this.#shadows?.forgetThread(thread);
  }

  async #answer(about: Question): Promise<unknown> {
    const { decisions, metricsText } = this.#options;
    switch (about.about) {
      case "metrics":
        return metricsText();
      case "decisions":
        return decisions.journal.latest(about.limit);
      case "decision":
        return decisions.journal.get(about.id);
    }
  }
}
