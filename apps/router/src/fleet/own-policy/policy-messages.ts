/** What the router posts to the policy's thread between requests. */
export type ToPolicyThread =
  | { readonly kind: "channel"; readonly buffer: SharedArrayBuffer; readonly candidates: number }
  /** Ids of workers by slot, those that changed. */
  | { readonly kind: "workers"; readonly ids: readonly (readonly [slot: number, id: string])[] };

/** A line that the policy wrote to its console. */
export interface PolicySaid {
  readonly kind: "said";
  readonly text: string;
}

/** What the thread says of itself once the module has been loaded and has made a trial decision. */
export type FromPolicyThread =
  | {
      readonly kind: "ready";
      readonly name: string;
      readonly drawCount: number;
      readonly valueCount: number;
      readonly usesPrefix: boolean;
      readonly usesEngineLoad: boolean;
      readonly hasGather: boolean;
      readonly hasSettle: boolean;
    }
  | { readonly kind: "failed"; readonly message: string };
