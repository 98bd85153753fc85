import { HEAD_END } from "./head-syntax.ts";
import { KnownHead } from "./known-head.ts";
import { parseRequestHead } from "./parse-request-head.ts";
import type { RequestHead } from "./request-head.ts";

/** Longer heads are not kept: a client could make the router hold a large one for each of its connections. */
const MOST_KEPT_UNITS = 2_048;
/** After so many heads in a row of which none was like the one before, none is kept any more. */
const MOST_MISSES = 4;

/** What is taken of a head. */
export interface HeadLimits {
  readonly maxHeaderBytes: number;
  readonly maxHeaderCount: number;
}

/**
 * Reads the heads of one connection. Most clients say the same with each request but for the length of the body, in a dozen
 * headers and more: that is seen at a glance, in place of reading them all. What is known is known of one connection only,
 * so that nobody can find out, by the time it takes, what others have sent.
 */
export class HeadReader {
  readonly #limits: HeadLimits;
  #known: KnownHead | undefined;
  #misses = 0;
  /** The connection has carried a request: another one may follow. */
  #isUsedAgain = false;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  /** Where the head ends that {@link readKnown} has told, with its empty line. */
  get knownEnd(): number {
    return this.#known?.end ?? 0;
  }

  /** @returns what the head says that starts there; undefined where that has to be found out */
  readKnown(bytes: Buffer, start: number): RequestHead | undefined {
    const known = this.#known;
    const head = known?.read(bytes, start);
    if (head === undefined || this.knownEnd - start - HEAD_END.length > this.#limits.maxHeaderBytes) {
      return undefined;
    }
    this.#misses = 0;
    return head;
  }

  /** Reads a head without its empty line. @throws BadRequestError for what is doubtful */
  read(text: string): RequestHead {
    const head = parseRequestHead(text, this.#limits.maxHeaderCount);
    if (this.#isUsedAgain && this.#misses <= MOST_MISSES) {
      this.#misses += 1;
      const isKept = this.#misses <= MOST_MISSES && text.length <= MOST_KEPT_UNITS;
      this.#known = isKept ? new KnownHead(text, head) : undefined;
    }
    this.#isUsedAgain = true;
    return head;
  }
}
