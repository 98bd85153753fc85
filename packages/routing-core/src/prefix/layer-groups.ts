import type { KvBlocksRemoved, KvBlocksStored } from "./kv-event.ts";

/** Layers that look at the whole prompt: only their blocks say how much of a prefix is cached. */
const INDEXED_KINDS: ReadonlySet<string> = new Set([
  "full_attention",
  "mla_attention",
  "sink_full_attention",
]);

/**
 * Which events of a hybrid model are followed. Its groups of layers (full attention, sliding window, state space) have
 * caches of their own and publish the same prompts several times; the first group of full attention is followed. A model
 * that names no groups, or groups without kinds, is followed by its first one.
 */
export class LayerGroups {
  #followed: number | undefined;

  admitsStored({ group, groupKind }: KvBlocksStored): boolean {
    if (group === undefined) {
      return true;
    }
    if (groupKind !== undefined && !INDEXED_KINDS.has(groupKind)) {
      return false;
    }
    this.#followed ??= group;
    return group === this.#followed;
  }

  admitsRemoved({ group }: KvBlocksRemoved): boolean {
    return group === undefined || group === this.#followed;
  }
}
