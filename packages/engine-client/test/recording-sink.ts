import type { EngineError, GenerateSink, SequenceFinish, TokenOutput } from "../src/index.ts";

/** One call of a sink, copied. */
export type SinkEvent =
  | {
      readonly kind: "output";
      readonly index: number;
      readonly tokenIds: readonly number[];
      readonly output: TokenOutput;
    }
  | { readonly kind: "finish"; readonly index: number; readonly finish: SequenceFinish }
  | { readonly kind: "flush" }
  | { readonly kind: "end" }
  | { readonly kind: "error"; readonly error: EngineError };

/** Keeps every call, and lets a test wait for a state with a deadline. */
export class RecordingSink implements GenerateSink {
  readonly events: SinkEvent[] = [];
  /** Called after each event is kept. */
  onEvent: ((event: SinkEvent) => void) | undefined;
  readonly #waiters = new Set<() => void>();

  output(output: TokenOutput): void {
    const tokenIds = Array.from({ length: output.tokenCount }, (_, at) => output.tokenIds[at] as number);
    const { index, tokenCount, logprobs, promptLogprobs, promptTokens, cachedTokens } = output;
    const copy = { index, tokenIds, tokenCount, logprobs, promptLogprobs, promptTokens, cachedTokens };
    this.#keep({ kind: "output", index, tokenIds, output: copy });
  }

  finish(index: number, finish: SequenceFinish): void {
    const { reason, matchedStop, kvTransferParams } = finish;
    this.#keep({ kind: "finish", index, finish: { reason, matchedStop, kvTransferParams } });
  }

  flush(): void {
    this.#keep({ kind: "flush" });
  }

  end(): void {
    this.#keep({ kind: "end" });
  }

  error(error: EngineError): void {
    this.#keep({ kind: "error", error });
  }

  /** Kinds of all events in order; runs of the same kind count once when `isSqueezed`. */
  kinds(isSqueezed = false): string[] {
    const kinds = this.events.map((event) => event.kind);
    return isSqueezed ? kinds.filter((kind, at) => kind !== kinds[at - 1]) : kinds;
  }

  /** Token ids of a sequence, of all its outputs. */
  tokenIds(index = 0): number[] {
    return this.events.flatMap((event) =>
      event.kind === "output" && event.index === index ? event.tokenIds : [],
    );
  }

  /** The first event of a kind; fails when there is none. */
  first<TKind extends SinkEvent["kind"]>(kind: TKind): Extract<SinkEvent, { kind: TKind }> {
    const found = this.events.find((event) => event.kind === kind);
    if (found === undefined) throw new Error(`no ${kind} among ${this.kinds(true).join(", ")}`);
    return found as Extract<SinkEvent, { kind: TKind }>;
  }

  get isOver(): boolean {
    const last = this.events.at(-1)?.kind;
    return last === "end" || last === "error";
  }

  /** Waits for `end` or `error`. */
  async over(): Promise<void> {
    await this.until(() => this.isOver, "end or error");
  }

  /** Waits until a condition on the events holds. */
  async until(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(check);
        reject(new Error(`no ${what} within 10 s; heard ${this.kinds(true).join(", ")}`));
      }, 10_000);
      const check = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#waiters.delete(check);
        resolve();
      };
      this.#waiters.add(check);
    });
  }

  #keep(event: SinkEvent): void {
    this.events.push(event);
    this.onEvent?.(event);
    for (const check of this.#waiters) check();
  }
}
