import type { PackedResponse } from "../responses/packed-response.ts";

/** Names somebody in a request thread who follows a response. */
export type FollowId = number;

/** A response that a request thread asked for. */
export interface FoundResponse {
  readonly packed: PackedResponse;
  /** Undefined where nothing more will be told of it. */
  readonly follow: FollowId | undefined;
}
