import type { GrpcStatusName } from "./grpc-status.ts";

/** What goes wrong on purpose. Every field may change while the engine runs. */
export class Faults {
  /** Share of Generate calls that end at once with UNAVAILABLE, 0 to 1; spread evenly, not drawn. */
  refuseRate = 0;
  /** Every Generate call ends at once with this status. */
  errorStatus: GrpcStatusName | undefined;
  /** Multiplies the time of every step. */
  slowFactor = 1;
  /** The engine dies (sockets cut, nothing answered) when it has generated this many tokens in all. */
  dieAfterTokens: number | undefined;
  /** The engine dies when another one comes to fetch KV blocks that it holds, so many fetches having gone well before. */
  dieAtFetch: number | undefined;
  /** Where the prefill engine sends blocks (Mooncake, MoRI-IO in write mode), it holds them and never does. */
  keepsBlocks = false;
  /** Every Generate stream is reset after this many of its tokens. */
  dropStreamAfterTokens: number | undefined;
  /** Every Generate stream goes silent after this many of its tokens. */
  stallStreamAfterTokens: number | undefined;
  /** Every connection is told to go away after this many of its calls. */
  goawayAfterCalls: number | undefined;
  /** The next so many batches of KV events are lost on their way; a replay has them. */
  loseKvBatches = 0;
  /** The next so many batches of KV events are sent twice. */
  repeatKvBatches = 0;
  readonly #hangChanged: () => void;
  #isHanging = false;
  #refusalDebt = 0;

  constructor(hangChanged: () => void) {
    this.#hangChanged = hangChanged;
  }

  /** While true no step runs: calls are accepted and health is fine, but no token comes. */
  get isHanging(): boolean {
    return this.#isHanging;
  }

  set isHanging(value: boolean) {
    this.#isHanging = value;
    this.#hangChanged();
  }

  /** Whether the next Generate call is one of the refused. */
  takeRefusal(): boolean {
    this.#refusalDebt += this.refuseRate;
    if (this.#refusalDebt < 1) return false;
    this.#refusalDebt -= 1;
    return true;
  }

  /** How often the next batch of KV events is sent. */
  takeKvBatchCopies(): number {
    if (this.loseKvBatches > 0) {
      this.loseKvBatches -= 1;
      return 0;
    }
    if (this.repeatKvBatches > 0) {
      this.repeatKvBatches -= 1;
      return 2;
    }
    return 1;
  }
}
