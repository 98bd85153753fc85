import type { WorkerFacts } from "../fleet/worker-connector.ts";
import type { ModelRuntime } from "./model-runtime.ts";

/** What {@link RoutingModels} works with. */
export interface RoutingModelsOptions {
  /** Builds a model from files of this machine alone; undefined where nobody looks at prompts. */
  readonly build: ((facts: WorkerFacts) => Promise<ModelRuntime>) | undefined;
  /** A model could not be built: its prompts are matched as text. Told once per reason. */
  readonly unknown: (models: readonly string[], reason: string) => void;
}

interface Known {
  readonly runtime: ModelRuntime;
  workers: number;
}

/**
 * Tokenizers and templates of the models that HTTP workers serve, for routing alone: what a worker will make of a prompt
 * is known to the token where the model's files are on this machine (flags, or the hub cache). Nothing waits for them.
 */
export class RoutingModels {
  readonly #options: RoutingModelsOptions;
  readonly #byName = new Map<string, Known>();
  /** Workers that serve a name as a LoRA adapter. */
  readonly #adapters = new Map<string, number>();
  readonly #told = new Set<string>();

  constructor(options: RoutingModelsOptions) {
    this.#options = options;
  }

  /** The model of that name; undefined where its files are not known (yet). */
  get(name: string): ModelRuntime | undefined {
    return this.#byName.get(name)?.runtime;
  }

  /** Whether some worker serves the name as a LoRA adapter of another model. */
  isAdapter(name: string): boolean {
    return this.#adapters.has(name);
  }

  /** A worker serves these models from now on, until the answer is disposed of. */
  learn(facts: WorkerFacts): Disposable {
    let isOver = false;
    const learned: Known[] = [];
    this.#countAdapters(facts, 1);
    void this.#options.build?.(facts).then(
      (runtime) => {
        for (const name of isOver ? [] : facts.modelNames) {
          const known = this.#byName.get(name);
          const same = known?.runtime.contentHash === runtime.contentHash ? known : { runtime, workers: 0 };
          same.workers += 1;
          this.#byName.set(name, same);
          learned.push(same);
        }
      },
      (error: unknown) => this.#tell(facts.modelNames, error),
    );
    return {
      [Symbol.dispose]: () => {
        if (!isOver) {
          this.#countAdapters(facts, -1);
        }
        isOver = true;
        for (const known of learned.splice(0)) {
          known.workers -= 1;
        }
        for (const name of facts.modelNames) {
          if (this.#byName.get(name)?.workers === 0) {
            this.#byName.delete(name);
          }
        }
      },
    };
  }

  #countAdapters({ adapterNames = [] }: WorkerFacts, step: 1 | -1): void {
    for (const name of adapterNames) {
      const workers = (this.#adapters.get(name) ?? 0) + step;
      if (workers > 0) {
        this.#adapters.set(name, workers);
      } else {
        this.#adapters.delete(name);
      }
    }
  }

  #tell(models: readonly string[], error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const key = `${models.join(" ")}: ${reason}`;
    if (!this.#told.has(key) && this.#told.size < 100) {
      this.#told.add(key);
      this.#options.unknown(models, reason);
    }
  }
}
