import type { EngineConnection } from "@vllm-router/engine-client";
import type { ConnectedWorker } from "../fleet/worker-connector.ts";
import type { ModelFiles } from "../models/model-files.ts";
import type { Adoption, LifeId } from "./thread-messages.ts";

/**
 * The engines that request threads are connected to, as the fleet's thread knows them. Files are named by a number, since
 * engines of one model share tens of megabytes of them, and go to each thread once.
 */
export class Adoptions {
  readonly #byLife = new Map<LifeId, Adoption>();
  readonly #lifeOf = new Map<EngineConnection, LifeId>();
  readonly #files = new Map<ModelFiles, { readonly key: number; lives: number }>();
  #lives = 0;
  #keys = 0;

  /** An engine was connected. The answer has the files where no thread has them yet. */
  add({ connection, facts }: ConnectedWorker): Adoption {
    this.#lives += 1;
    const life = this.#lives;
    const { files, ...others } = facts;
    const known = this.#files.get(files);
    const shared = known ?? { key: (this.#keys += 1), lives: 0 };
    shared.lives += 1;
    this.#files.set(files, shared);
    const adoption = {
      life,
      description: connection.description,
      facts: others,
      filesKey: shared.key,
      files,
    };
    this.#byLife.set(life, adoption);
    this.#lifeOf.set(connection, life);
    return known === undefined ? adoption : { ...adoption, files: undefined };
  }

  /** Which life a connection stands for. */
  lifeOf(connection: EngineConnection): LifeId | undefined {
    return this.#lifeOf.get(connection);
  }

  /** Whether an engine is still in use. */
  has(life: LifeId): boolean {
    return this.#byLife.has(life);
  }

  /** An engine is not in use any more. @returns its life, undefined when it is none that was added */
  remove(connection: EngineConnection): LifeId | undefined {
    const life = this.#lifeOf.get(connection);
    const adoption = life === undefined ? undefined : this.#byLife.get(life);
    if (life === undefined || adoption?.files === undefined) {
      return undefined;
    }
    this.#lifeOf.delete(connection);
    this.#byLife.delete(life);
    const shared = this.#files.get(adoption.files);
    if (shared !== undefined) {
      shared.lives -= 1;
      if (shared.lives === 0) {
        this.#files.delete(adoption.files);
      }
    }
    return life;
  }

  /** Everything a thread must be told that comes later than the others. */
  replay(): readonly Adoption[] {
    const told = new Set<number>();
    return Array.from(this.#byLife.values(), (adoption) => {
      const isNew = !told.has(adoption.filesKey);
      told.add(adoption.filesKey);
      return isNew ? adoption : { ...adoption, files: undefined };
    });
  }
}
