import type { AskedThread } from "./awaited-answers.ts";
import type { Decisions } from "../decisions/create-decisions.ts";
import type { FleetView } from "../fleet/fleet-view.ts";
import type { Routing } from "../fleet/routing.ts";
import { ShadowReceiver } from "./shadow-receiver.ts";
import type { ResponseStore } from "../responses/response-store.ts";
import { ThreadPolicies } from "./thread-policies.ts";
import { ThreadResponses } from "./thread-responses.ts";
import type { FromThread, Question, ToThread } from "./thread-messages.ts";

/** What {@link ThreadServices} works with. */
export interface ThreadServicesOptions {
  readonly fleet: FleetView;
  readonly routing: Pick<Routing, "shadows">;
  readonly decisions: Pick<Decisions, "journal" | "observer">;
  /** Request threads. */
  readonly threads: number;
  /** Where responses are kept; undefined where they are not. */
  readonly responses: ResponseStore | undefined;
  /** Tells one thread, or all. */
  readonly tell: (message: ToThread, thread?: number) => void;
  /** Resolves when one thread, or each of them, has said everything that it had to say when it was asked. */
  readonly echo: (thread?: number) => Promise<void>;
  /** The metrics of all threads. */
  readonly metricsText: () => Promise<string>;
}

/** What is said to it. */
type ServiceMessage = Extract<
  FromThread,
  { readonly kind: "ask" | "explained" | "shadow" | "policy" | "response-changed" | "unfollow-response" }
>;

/** What this thread keeps for all request threads beside the engines: decisions, metrics, shadow policies, responses. */
export class ThreadServices {
  readonly #options: ThreadServicesOptions;
  readonly #shadows: ShadowReceiver | undefined;
  readonly #policies: ThreadPolicies;
  readonly #responses: ThreadResponses | undefined;

  constructor(options: ThreadServicesOptions) {
    const { fleet, routing, decisions, threads, responses: store, tell, echo } = options;
    this.#options = options;
    this.#policies = new ThreadPolicies({
      threads,
      observer: decisions.observer,
      giveUp: (hash, thread) => tell({ kind: "policy-give-up", hash }, thread),
    });
    this.#responses =
      store === undefined
        ? undefined
        : new ThreadResponses({ store, tell: (thread, message) => tell(message, thread), echo });
    this.#shadows =
      routing.shadows === undefined
        ? undefined
        : new ShadowReceiver({ shadows: routing.shadows, fleet, observer: decisions.observer });
  }

  /** Takes what a thread says or asks. */
  receive(from: AskedThread, message: ServiceMessage): void {
    switch (message.kind) {
      case "ask":
        void this.#answer(from.thread, message.about).then((answer) =>
          from.tell({ kind: "answer", question: message.question, answer }),
        );
        return;
      case "explained": {
        const { decision, isSampled, placement } = message;
        const shadows = this.#shadows?.decisionsOf(from.thread, placement) ?? [];
        this.#options.decisions.journal.add({ ...decision, shadows }, isSampled);
        return;
      }
      case "response-changed":
        this.#responses?.changed(from.thread, message.id, message.news);
        return;
      case "unfollow-response":
        this.#responses?.unfollow(message.follow);
        return;
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
    this.#responses?.forgetThread(thread);
    this.#shadows?.forgetThread(thread);
  }

  async #answer(thread: number, about: Question): Promise<unknown> {
    const { decisions, metricsText } = this.#options;
    switch (about.about) {
      case "metrics":
        return metricsText();
      case "decisions":
        return decisions.journal.latest(about.limit);
      case "decision":
        return decisions.journal.get(about.id);
      case "keep-response":
        return this.#responses?.keep(thread, about.packed);
      case "response":
        return this.#responses?.find(thread, about.id, about.follows);
      case "cancel-response":
        return this.#responses?.cancel(about.id);
    }
  }
}
