import type { DecisionObserver, PolicyFault } from "../observability/decision-observer.ts";

/** What a request thread tells of the policy of `--policy-file`, which each has a thread of its own for. */
export type PolicyNews =
  | { readonly event: "loaded"; readonly name: string; readonly hash: string }
  | {
      readonly event: "failed";
      readonly fault: PolicyFault;
      readonly message: string;
      /** Of the file as it failed. */
      readonly hash: string;
    }
  | { readonly event: "said"; readonly text: string };

/** What {@link ThreadPolicies} works with. */
export interface ThreadPoliciesOptions {
  readonly threads: number;
  readonly observer: Pick<DecisionObserver, "policyLoaded" | "policyFailed" | "policySaid">;
  /** Has one thread, or all, do without the policy of such a file. */
  readonly giveUp: (hash: string, thread?: number) => void;
}

/**
 * The policy of `--policy-file` as it stands in all request threads: it is told to decide once it does so everywhere, and a
 * fault in one thread ends it in all, as it would end it with one thread.
 */
export class ThreadPolicies {
  readonly #options: ThreadPoliciesOptions;
  /** Which file each thread has loaded. */
  readonly #hashes = new Map<number, string>();
  #toldHash: string | undefined;
  #failedHash: string | undefined;
  #lastLoadFault = "";

  constructor(options: ThreadPoliciesOptions) {
    this.#options = options;
  }

  /** A thread tells something. */
  receive(thread: number, news: PolicyNews): void {
    const { observer } = this.#options;
    switch (news.event) {
      case "said":
        observer.policySaid(news.text);
        return;
      case "loaded":
        this.#loaded(thread, news.name, news.hash);
        return;
      case "failed":
        if (news.fault === "load") {
          this.#notLoaded(news.hash, news.message);
        } else {
          this.#failed(news);
        }
    }
  }

  /** A thread is gone; the one in its place loads the file again. */
  forgetThread(thread: number): void {
    this.#hashes.delete(thread);
  }

  #loaded(thread: number, name: string, hash: string): void {
    const { threads, observer, giveUp } = this.#options;
    if (hash === this.#failedHash) {
      // It failed elsewhere while it was loaded here.
      giveUp(hash, thread);
      return;
    }
    this.#failedHash = undefined;
    this.#hashes.set(thread, hash);
    const isEverywhere =
      this.#hashes.size === threads && [...this.#hashes.values()].every((one) => one === hash);
    if (isEverywhere && hash !== this.#toldHash) {
      this.#toldHash = hash;
      this.#lastLoadFault = "";
      observer.policyLoaded(name);
    }
  }

  #failed({ fault, message, hash }: Extract<PolicyNews, { readonly event: "failed" }>): void {
    const { observer, giveUp } = this.#options;
    if (
      hash === this.#failedHash ||
      (this.#toldHash !== hash && ![...this.#hashes.values()].includes(hash))
    ) {
      // Told already, or of a file that no thread has any more.
      return;
    }
    this.#failedHash = hash;
    this.#toldHash = undefined;
    this.#hashes.clear();
    observer.policyFailed(fault, message);
    giveUp(hash);
  }

  /** Every thread finds the same fault in a changed file. */
  #notLoaded(hash: string, message: string): void {
    const fault = `${hash} ${message}`;
    if (fault !== this.#lastLoadFault) {
      this.#lastLoadFault = fault;
      this.#options.observer.policyFailed("load", message);
    }
  }
}
