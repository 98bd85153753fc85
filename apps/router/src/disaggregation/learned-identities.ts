import type { EngineConnection } from "@vllm-router/engine-client";
import type { EngineIdentity } from "./connector.ts";

/** Hears what became known, or with undefined what is void. */
export type IdentityListener = (connection: EngineConnection, identity: EngineIdentity | undefined) => void;

/**
 * What prefill engines told of their connectors in their answers, for as long as they live: by connection, which ends with
 * the engine's life. Other threads are told by the listener, and tell by {@link set}.
 */
export class LearnedIdentities {
  readonly #known = new WeakMap<EngineConnection, EngineIdentity>();
  readonly #told: IdentityListener | undefined;

  constructor(told?: IdentityListener) {
    this.#told = told;
  }

  /** What an engine told last; undefined for nothing. */
  of(connection: EngineConnection): EngineIdentity | undefined {
    return this.#known.get(connection);
  }

  /** An engine told it here. */
  learn(connection: EngineConnection, identity: EngineIdentity): void {
    const before = this.#known.get(connection);
    if (before === undefined || !isSame(before, identity)) {
      this.set(connection, identity);
      this.#told?.(connection, identity);
    }
  }

  /** An engine failed here: what comes back may be another one. */
  forget(connection: EngineConnection): void {
    if (this.#known.delete(connection)) {
      this.#told?.(connection, undefined);
    }
  }

  /** Another thread learned or forgot it. */
  set(connection: EngineConnection, identity: EngineIdentity | undefined): void {
    if (identity === undefined) {
      this.#known.delete(connection);
    } else {
      this.#known.set(connection, identity);
    }
  }
}

/** Every answer tells an identity: it is seldom another one than before. */
function isSame(left: EngineIdentity, right: EngineIdentity): boolean {
  if (
    left.engineIds.get(0) !== right.engineIds.get(0) ||
    (left.push === undefined) !== (right.push === undefined)
  ) {
    return false;
  }
  const { push = {} } = left;
  return Object.entries(right.push ?? {}).every(([name, value]) => push[name] === value);
}
