import type {
  ActualPlace,
  Generation,
  ShadowDecision,
  ShadowPolicies,
  ShadowSettlement,
  Snapshot,
} from "@vllm-router/routing-core";
import type { Lane } from "../fleet/lane.ts";
import type { CancelTimer, Timers } from "../fleet/timers.ts";
import type { ShadowedPlacement } from "../observability/decision-observer.ts";
import type { PlacementId, ShadowRecord } from "./shadow-messages.ts";

/** Longest time a record waits for others before it is sent. */
const WAIT_MS = 5;
/** Placements, and bytes of their prompts, that the fleet's thread has not taken yet; more of them are left out. */
const MOST_UNTAKEN = 4_096;
const MOST_UNTAKEN_BYTES = 32 * 1024 * 1024;

/** What {@link RemoteShadows} works with. */
export interface RemoteShadowsOptions {
  readonly timers: Timers;
  /** To the fleet's thread; `dropped` counts placements that were left out since the last time. */
  readonly send: (records: readonly ShadowRecord[], dropped: number) => void;
}

/**
 * Shadow policies as a request thread has them: what happens is gathered for some milliseconds and told to the fleet's
 * thread, where all of it is decided on over one virtual load and cache. Nobody here waits for what they say.
 */
export class RemoteShadows {
  readonly byLane: Readonly<Record<Lane, ShadowPolicies>>;
  readonly #options: RemoteShadowsOptions;
  readonly #placements = new WeakMap<readonly ShadowDecision[], PlacementId>();
  readonly #withOutput = new Set<RemoteBooking>();
  #records: ShadowRecord[] = [];
  #cancelTimer: CancelTimer | undefined;
  #placed = 0;
  #dropped = 0;
  #untaken = 0;
  #untakenBytes = 0;

  constructor(options: RemoteShadowsOptions) {
    this.#options = options;
    const of = (lane: Lane): ShadowPolicies => ({
      observe: (generation, _snapshot: Snapshot, actual) => this.#observe(lane, generation, actual),
      // The fleet's thread sees by itself which caches are empty.
      clear: () => undefined,
    });
    this.byLane = { token: of("token"), proxy: of("proxy") };
  }

  /** Which placement such decisions stand for, which are made elsewhere; undefined for one that was left out. */
  placementOf(decisions: readonly ShadowDecision[]): PlacementId | undefined {
    return this.#placements.get(decisions);
  }

  /** What the acting policy did is known. */
  readonly compared = ({ shadows, policy, matchedTokens, promptTokens }: ShadowedPlacement): void => {
    const placement = this.placementOf(shadows);
    if (placement !== undefined) {
      this.#add({ kind: "compared", placement, policy, matchedTokens, promptTokens });
    }
  };

  /** The fleet's thread has taken so many placements, with so many bytes. */
  taken(placements: number, bytes: number): void {
    this.#untaken -= placements;
    this.#untakenBytes -= bytes;
  }

  /** Sends what there is. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (const booking of this.#withOutput) {
      this.#takeOutput(booking);
    }
    this.#withOutput.clear();
    const records = this.#records;
    if (records.length > 0 || this.#dropped > 0) {
      this.#options.send(records, this.#dropped);
      this.#records = [];
      this.#dropped = 0;
    }
  }

  #observe(lane: Lane, generation: Generation, actual: ActualPlace): ShadowSettlement {
    const bytes = promptBytes(generation);
    if (this.#untaken >= MOST_UNTAKEN || this.#untakenBytes + bytes > MOST_UNTAKEN_BYTES) {
      this.#dropped += 1;
      this.#wait();
      return LEFT_OUT;
    }
    this.#untaken += 1;
    this.#untakenBytes += bytes;
    this.#placed += 1;
    const placement = this.#placed;
    const { role = "serve", computesPrompt = true } = actual;
    const slot = actual.legs[0]?.slot ?? -1;
    this.#add({
      kind: "placed",
      placement,
      lane,
      generation: copyOf(generation),
      slot,
      role,
      computesPrompt,
    });
    const booking = new RemoteBooking(placement, {
      add: (record) => this.#add(record),
      hasOutput: (one) => {
        this.#withOutput.add(one);
        this.#wait();
      },
      released: (one) => {
        this.#takeOutput(one);
        this.#withOutput.delete(one);
      },
    });
    this.#placements.set(booking.decisions, placement);
    return booking;
  }

  #takeOutput(booking: RemoteBooking): void {
    const { placement, tokens } = booking;
    if (tokens > 0) {
      booking.tokens = 0;
      this.#records.push({ kind: "output", placement, tokens });
    }
  }

  #add(record: ShadowRecord): void {
    this.#records.push(record);
    this.#wait();
  }

  #wait(): void {
    this.#cancelTimer ??= this.#options.timers.after(WAIT_MS, () => this.flush());
  }
}

/** Of a placement that nobody is told of. */
const LEFT_OUT: ShadowSettlement = {
  decisions: [],
  firstOutput: () => undefined,
  addOutput: () => undefined,
  release: () => undefined,
};

interface BookingSink {
  add(record: ShadowRecord): void;
  hasOutput(booking: RemoteBooking): void;
  released(booking: RemoteBooking): void;
}

class RemoteBooking implements ShadowSettlement {
  /** Made elsewhere; its own array names the placement. */
  readonly decisions: readonly ShadowDecision[] = [];
  readonly placement: PlacementId;
  /** Output that has not been told. */
  tokens = 0;
  readonly #sink: BookingSink;
  #isReleased = false;
  #hasOutput = false;

  constructor(placement: PlacementId, sink: BookingSink) {
    this.placement = placement;
    this.#sink = sink;
  }

  firstOutput(): void {
    // Told with every piece of output.
    if (!this.#hasOutput) {
      this.#hasOutput = true;
      this.#sink.add({ kind: "first-output", placement: this.placement });
    }
  }

  addOutput(tokens: number): void {
    if (this.tokens === 0 && tokens > 0 && !this.#isReleased) {
      this.#sink.hasOutput(this);
    }
    this.tokens += tokens;
  }

  release(): void {
    if (!this.#isReleased) {
      this.#isReleased = true;
      this.#sink.released(this);
      this.#sink.add({ kind: "released", placement: this.placement });
    }
  }
}

/** Bytes of a prompt, as they are counted on both sides. */
export function promptBytes({ tokenIds, text }: Generation): number {
  return tokenIds?.byteLength ?? text?.length ?? 0;
}

/** Views are copied: a message would take the whole buffer behind them, and bodies do not stay. */
function copyOf(generation: Generation): Generation {
  const { tokenIds, text } = generation;
  return {
    ...generation,
    recurring: undefined,
    tokenIds: tokenIds?.slice(),
    text: typeof text === "string" ? text : text?.slice(),
  };
}
