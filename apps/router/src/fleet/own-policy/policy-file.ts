import { createHash } from "node:crypto";
import { readFileSync, watch, type FSWatcher } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  createPolicyGuard,
  type Policy,
  type PolicyGuard,
  type PolicySource,
} from "@vllm-router/routing-core";
import type { PolicyFault } from "../../observability/decision-observer.ts";
import { RouterError } from "../../router-error.ts";
import type { CancelTimer, Timers } from "../timers.ts";
import { ThreadedPolicy } from "./threaded-policy.ts";

/** What is told of a policy, with the hash of its file. */
export interface PolicyFileObserver {
  policyLoaded(name: string, hash: string): void;
  policyFailed(fault: PolicyFault, message: string, hash: string): void;
  policySaid(text: string): void;
}

/** What a {@link PolicyFile} works with. */
export interface PolicyFileOptions {
  /** `--policy-file`. */
  readonly path: string;
  /** `--policy-budget-ms`. */
  readonly budgetMs: number;
  /** `--policy-timeout-ms`. */
  readonly timeoutMs: number;
  readonly timers: Timers;
  readonly observer: PolicyFileObserver;
}

const LOAD_TIMEOUT_MS = 10_000;
/** Editors write a file in several steps. */
const QUIET_MS = 100;

/**
 * A policy from a file of the user's own. It stands before the configured policy in every lane until it fails, and again
 * when the file has changed and can be loaded. A change that cannot be loaded leaves everything as it is.
 */
export class PolicyFile implements AsyncDisposable {
  readonly #options: PolicyFileOptions;
  readonly #guards: PolicyGuard[] = [];
  #policy: ThreadedPolicy | undefined;
  #watcher: FSWatcher | undefined;
  #cancelTimer: CancelTimer | undefined;
  /** Of the file that was looked at last. */
  #loadedHash = "";
  /** Of the policy that decides. */
  #hashOfPolicy = "";
  #loading: Promise<void> = Promise.resolve();
  #isDisposed = false;

  private constructor(options: PolicyFileOptions) {
    this.#options = { ...options, path: resolve(options.path) };
  }

  /** Loads the policy and watches its file. @throws RouterError `policy_file` saying what is wrong with it */
  static async open(options: PolicyFileOptions): Promise<PolicyFile> {
    const file = new PolicyFile(options);
    await file.#load(file.#hash());
    file.#watch();
    return file;
  }

  /** Who decides in one lane: the file's policy, and `fallback` while there is none that works. */
  guardOf(fallback: Policy): PolicySource {
    const { budgetMs, timers } = this.#options;
    const guard = createPolicyGuard({
      fallback,
      budgetMs,
      clock: () => timers.steadyMs(),
      onFault: (fault, error) => this.#failed(faultOf(fault, error), error),
    });
    this.#guards.push(guard);
    this.#putInto(guard);
    return guard;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.#cancelTimer?.();
    this.#watcher?.close();
    await this.#loading;
    await this.#policy?.[Symbol.asyncDispose]();
  }

  async #load(hash: string): Promise<void> {
    const { path, timeoutMs, timers, observer } = this.#options;
    const loaded: ThreadedPolicy = await ThreadedPolicy.load({
      path,
      timeoutMs,
      timers,
      loadTimeoutMs: LOAD_TIMEOUT_MS,
      said: (text) => observer.policySaid(text),
      crashed: (error) => {
        if (loaded === this.#policy) {
          this.#failed("crash", error);
        }
      },
    });
    this.#loadedHash = hash;
    const before = this.#policy;
    if (this.#isDisposed) {
      await loaded[Symbol.asyncDispose]();
      return;
    }
    this.#policy = loaded;
    this.#hashOfPolicy = hash;
    for (const guard of this.#guards) {
      this.#putInto(guard);
    }
    observer.policyLoaded(loaded.name, hash);
    await before?.[Symbol.asyncDispose]();
  }

  #putInto(guard: PolicyGuard): void {
    const policy = this.#policy;
    guard.guard(policy === undefined ? undefined : { policy, busyMs: () => policy.busyMs });
  }

  /** The policy of such a file failed in another thread: it decides no longer here, either. */
  giveUp(hash: string): void {
    if (hash === this.#hashOfPolicy) {
      this.#withdraw();
    }
  }

  #failed(fault: PolicyFault, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.observer.policyFailed(
      fault,
      `${message}; --policy decides until the file changes`,
      this.#hashOfPolicy,
    );
    this.#withdraw();
  }

  #withdraw(): void {
    for (const guard of this.#guards) {
      guard.guard(undefined);
    }
    const failed = this.#policy;
    this.#policy = undefined;
    void failed?.[Symbol.asyncDispose]();
  }

  /** The directory and not the file: editors and Kubernetes put another file in its place. */
  #watch(): void {
    const { path, timers } = this.#options;
    this.#watcher = watch(dirname(path), { persistent: false }, () => {
      this.#cancelTimer?.();
      this.#cancelTimer = timers.after(QUIET_MS, () => this.#reload());
    });
    this.#watcher.on("error", (error) =>
      this.#options.observer.policyFailed("load", error.message, this.#loadedHash),
    );
  }

  #reload(): void {
    this.#loading = this.#loading.then(async () => {
      try {
        const hash = this.#hash();
        if (!this.#isDisposed && hash !== this.#loadedHash) {
          this.#loadedHash = hash;
          await this.#load(hash);
        }
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.#options.observer.policyFailed("load", `${message}; nothing changes`, this.#loadedHash);
      }
    });
  }

  #hash(): string {
    const { path } = this.#options;
    try {
      return createHash("sha256").update(readFileSync(path)).digest("hex");
    } catch (error) {
      throw new RouterError("policy_file", `${path} cannot be read`, { cause: error });
    }
  }
}

function faultOf(fault: PolicyFault, error: unknown): PolicyFault {
  return error instanceof RouterError && error.code === "policy_timeout" ? "timeout" : fault;
}
