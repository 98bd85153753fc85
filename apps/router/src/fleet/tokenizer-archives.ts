import type { AdminCallOptions, TokenizerBundle, TokenizerBundleLimits } from "@vllm-router/engine-client";
import type { ModelFiles } from "../models/model-files.ts";

/** An engine as far as its tokenizer's archive goes. */
export interface ArchiveSource {
  getTokenizer(options: AdminCallOptions & TokenizerBundleLimits): Promise<TokenizerBundle>;
}

/**
 * Archives received at the same time: each is tens of megabytes, and the first engine should not wait for the hundredth;
 * nor should all wait for a few that do not answer.
 */
const AT_ONCE = 8;
/** Archives whose files are kept for the next engine with the same ones. */
const KEPT = 4;

/**
 * Receives tokenizer archives a few at a time, and unpacks each content once: a hundred engines of one model share the files of
 * the first.
 */
export class TokenizerArchives {
  readonly #files = new Map<string, ModelFiles>();
  readonly #waiting: (() => void)[] = [];
  readonly #atOnce: number;
  #running = 0;

  /** @param atOnce how many are received at the same time, default 8 */
  constructor(atOnce = AT_ONCE) {
    this.#atOnce = atOnce;
  }

  /** The files an engine hands out. Rejects as `getTokenizer` does. */
  async receive(source: ArchiveSource, options: AdminCallOptions): Promise<ModelFiles> {
    await this.#turn();
    try {
      const { sha256, files } = await source.getTokenizer({
        ...options,
        known: (digest) => this.#files.get(digest),
      });
      this.#keep(sha256, files);
      return files;
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

  async #turn(): Promise<void> {
    if (this.#running < this.#atOnce) {
      this.#running += 1;
      return;
    }
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #keep(sha256: string, files: ModelFiles): void {
    this.#files.delete(sha256);
    this.#files.set(sha256, files);
    const [oldest] = this.#files.keys();
    if (this.#files.size > KEPT && oldest !== undefined) {
      this.#files.delete(oldest);
    }
  }
}
