import type { MoriioAddress } from "./moriio-address.ts";

/** The worker of one leg, as far as a connector needs to know it. */
export interface LegWorker {
  /** Its URL. */
  readonly id: string;
  /** Data-parallel rank of the leg; undefined where the engine chooses. */
  readonly rank: number | undefined;
  readonly ranks: number;
  /** What its connector is known by; undefined where it has not told. */
  readonly identity: EngineIdentity | undefined;
}

/** What an engine's connector is known by. It changes when the engine restarts. */
export interface EngineIdentity {
  /** Engine id by data-parallel rank; the first for all where there is one. */
  readonly engineIds: ReadonlyMap<number, string>;
  /** Where a NIXL engine that pushes is found. */
  readonly push?: Readonly<Record<string, unknown>>;
  /** The bootstrap server that a Mooncake engine is found by, and the engine ids it lists, by data-parallel rank. */
  readonly bootstrap?: { readonly address: string; readonly engineIds: ReadonlyMap<number, string> };
  /** Where a MoRI-IO engine is found. */
  readonly moriio?: MoriioAddress;
}

/** Two workers that are to share a generation. */
export interface Pair {
  /** Id of the generation at engines; both legs have the one that the plan names. */
  readonly requestId: string;
  readonly prefill: LegWorker;
  readonly decode: LegWorker;
  /** A new name nobody else has, hexadecimal digits. */
  readonly uniqueId: () => string;
}

/** Parameters of the decode leg; undefined for none. */
export interface Handover {
  readonly params: string | undefined;
  /** What the answer told of the prefill engine, to be remembered as long as it lives. */
  readonly learned?: EngineIdentity;
}

/** How the two legs of a pair are run. */
export interface LegPlan {
  /** Id of both legs. */
  readonly requestId: string;
  /** JSON text of the prefill leg's `kv_transfer_params`; undefined for none. */
  readonly prefillParams: string | undefined;
  readonly decode:
    | {
        readonly order: "after";
        /** Reads the prefill leg's answer; undefined when it hands nothing over, which counts as a failure. */
        readonly handover: (answer: string | undefined) => Handover | undefined;
      }
    | { readonly order: "together"; readonly params: string };
}

/** A way in which engines hand KV blocks over. */
export interface Connector {
  readonly name: string;
  /** Whether several sequences of one call may start from what was handed over once. */
  readonly isShared: boolean;
  /**
   * False where a decode engine cannot compute a prompt itself: prompts are then always handed over, and what cannot be
   * divided runs on a prefill engine. Default true.
   */
  readonly computesPrompts?: boolean;
  /** Undefined when the workers cannot be paired: something of them is not known. */
  readonly plan: (pair: Pair) => LegPlan | undefined;
}

/** The object in a JSON text; undefined for anything else. */
export function jsonObject(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
