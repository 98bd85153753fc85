import type { Generation, LegRole } from "@vllm-router/routing-core";
import type { Lane } from "../fleet/lane.ts";

/** Names a placement that shadows are told of, within its thread. */
export type PlacementId = number;

/** What happened to a placement that shadow policies decide on as well. */
export type ShadowRecord =
  | {
      readonly kind: "placed";
      readonly placement: PlacementId;
      readonly lane: Lane;
      readonly generation: Generation;
      /** Where it really went. */
      readonly slot: number;
      /** Which part of the generation. */
      readonly role: LegRole;
      readonly computesPrompt: boolean;
    }
  | {
      readonly kind: "compared";
      readonly placement: PlacementId;
      /** The policy that acted. */
      readonly policy: string;
      readonly matchedTokens: number;
      readonly promptTokens: number;
    }
  | { readonly kind: "first-output"; readonly placement: PlacementId }
  | { readonly kind: "output"; readonly placement: PlacementId; readonly tokens: number }
  | { readonly kind: "released"; readonly placement: PlacementId };
