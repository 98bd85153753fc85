import type { AdminCallOptions, TokenizerBundle, TokenizerBundleLimits } from "@vllm-router/engine-client";
import type { ModelFiles } from "../models/model-files.ts";
import type { Timers } from "./timers.ts";

/** An engine as far as its tokenizer's archive goes. */
export interface ArchiveSource {
  getTokenizer(options: AdminCallOptions & TokenizerBundleLimits): Promise<TokenizerBundle>;
}

/** An archive that is asked for. */
export interface ArchiveRequest {
  /** All that the engine says of its model: engines that say the same are taken to hold the same files. */
  readonly identity: string;
  readonly options: AdminCallOptions;
}

/** How archives are received. */
export interface ArchiveSettings {
  readonly timers: Pick<Timers, "after" | "steadyMs">;
  /** Archives received at the same time; default 8: nor should all wait for a few that do not answer. */
  readonly atOnce?: number;
}

const AT_ONCE = 8;
/** Archives whose files are kept for the next engine with the same ones. */
const KEPT = 4;
/**
 * How long after its arrival an archive is given to other engines. Engines that come up together are of one deployment; one that
 * comes later may be a new version of it.
 */
const SHARED_MS = 30_000;
/** How long an engine waits for the archive of another one before it is asked itself. */
const PATIENCE_MS = 3000;
/** Between two archives that are received to be compared: each costs some 50 ms of processor time. */
const COMPARING_PAUSE_MS = 10_000;

/** An engine that has files which came from another one. */
interface Borrower {
  readonly identity: string;
  readonly archive: TokenizerBundle;
  state: "unsure" | "queued" | "different";
}

/**
 * Receives tokenizer archives, which are tens of megabytes. Engines that come up together and say the same of their model share the files of
 * the first, so that a hundred are ready as soon as one; whether theirs are the same is found out afterwards, one engine at a time
 * and slowly. Those that differ are `different`, and nothing is shared under what they say any more.
 */
export class TokenizerArchives {
  readonly #timers: Pick<Timers, "after" | "steadyMs">;
  readonly #atOnce: number;
  readonly #files = new Map<string, ModelFiles>();
  readonly #arrived = new Map<string, { readonly archive: TokenizerBundle; readonly untilMs: number }>();
  readonly #underway = new Map<string, Promise<unknown>>();
  readonly #ambiguous = new Set<string>();
  readonly #borrowers = new WeakMap<ArchiveSource, Borrower>();
  readonly #uncompared: (() => Promise<void>)[] = [];
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #isComparing = false;

  constructor({ timers, atOnce = AT_ONCE }: ArchiveSettings) {
    this.#timers = timers;
    this.#atOnce = atOnce;
  }

  /** The files of an engine: its own, or those of one that says the same. Rejects as `getTokenizer` does. */
  async receive(source: ArchiveSource, request: ArchiveRequest): Promise<ModelFiles> {
    const { identity } = request;
    const borrowed = this.#borrow(source, identity);
    if (borrowed !== undefined) return borrowed;
    const underway = this.#underway.get(identity);
    if (underway === undefined) return this.#lead(source, request);
    if (!this.#ambiguous.has(identity)) await this.#patiently(underway);
    return this.#inTurn(async () => this.#borrow(source, identity) ?? this.#own(source, request));
  }

  /**
   * Whether an engine's files are, as far as is known, those it was given. Asking has them compared when they have not been yet.
   *
   * @param options made when the comparison begins
   */
  isAsGiven(source: ArchiveSource, options: () => AdminCallOptions): boolean {
    const borrower = this.#borrowers.get(source);
    if (borrower?.state === "unsure") {
      borrower.state = "queued";
      this.#uncompared.push(() => this.#compare(source, borrower, options()));
      this.#compareNext();
    }
    return borrower?.state !== "different";
  }

  #borrow(source: ArchiveSource, identity: string): ModelFiles | undefined {
    const arrived = this.#arrived.get(identity);
    if (arrived === undefined || this.#ambiguous.has(identity)) return undefined;
    if (arrived.untilMs < this.#timers.steadyMs()) return undefined;
    const { archive } = arrived;
    this.#borrowers.set(source, { identity, archive, state: "unsure" });
    return archive.files;
  }

  /** The first of its kind, for which the others wait. */
  async #lead(source: ArchiveSource, request: ArchiveRequest): Promise<ModelFiles> {
    const receiving = this.#inTurn(() => this.#own(source, request));
    this.#underway.set(request.identity, receiving);
    try {
      return await receiving;
    } finally {
      this.#underway.delete(request.identity);
    }
  }

  async #own(source: ArchiveSource, { identity, options }: ArchiveRequest): Promise<ModelFiles> {
    const archive = await source.getTokenizer({ ...options, known: (digest) => this.#files.get(digest) });
    keepLatest(this.#files, archive.sha256, archive.files);
    keepLatest(this.#arrived, identity, { archive, untilMs: this.#timers.steadyMs() + SHARED_MS });
    return archive.files;
  }

  #compareNext(): void {
    if (this.#isComparing || this.#uncompared.length === 0) return;
    this.#isComparing = true;
    this.#timers.after(COMPARING_PAUSE_MS, () => {
      void this.#uncompared
        .shift()?.()
        .then(() => {
          this.#isComparing = false;
          this.#compareNext();
        });
    });
  }

  async #compare(source: ArchiveSource, borrower: Borrower, options: AdminCallOptions): Promise<void> {
    const { archive, identity } = borrower;
    try {
      const { sha256 } = await source.getTokenizer({ ...options, known: () => archive.files });
      if (sha256 === archive.sha256) {
        this.#borrowers.delete(source);
        return;
      }
      borrower.state = "different";
      this.#ambiguous.add(identity);
    } catch {
      // It cannot be reached, or is gone: it is asked again when it is probed again.
      borrower.state = "unsure";
    }
  }

  async #patiently(underway: Promise<unknown>): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#timers.after(PATIENCE_MS, resolve);
      const end = (): void => {
        cancel();
        resolve();
      };
      underway.then(end, end);
    });
  }

  async #inTurn<Result>(action: () => Promise<Result>): Promise<Result> {
    if (this.#running < this.#atOnce) {
      this.#running += 1;
    } else {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    try {
      return await action();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#running -= 1;
      } else {
        // The place goes to the next in turn, not to whoever comes first.
        next();
      }
    }
  }
}

function keepLatest<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > KEPT && oldest !== undefined) map.delete(oldest);
}
