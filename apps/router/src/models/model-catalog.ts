import { RouterError } from "../router-error.ts";
import type { ModelRuntime } from "./model-runtime.ts";

/** The models that are served, by name. Filled by the fleet as workers register. */
export class ModelCatalog {
  readonly #byName = new Map<string, ModelRuntime>();
  readonly #runtimes: ModelRuntime[] = [];

  /** Served models in the order in which their first worker registered. */
  get runtimes(): readonly ModelRuntime[] {
    return this.#runtimes;
  }

  /**
   * Takes a worker's model in. The same files under the same name give back the model that is already there.
   * @throws RouterError `model_conflict` when a served name already stands for other files
   */
  adopt(runtime: ModelRuntime): ModelRuntime {
    for (const name of runtime.servedNames) {
      const known = this.#byName.get(name);
      if (known !== undefined && known.contentHash !== runtime.contentHash) {
        throw new RouterError(
          "model_conflict",
          `model "${name}" is already served with other tokenizer or template files (${known.contentHash}, this worker has ${runtime.contentHash}); the worker is refused`,
        );
      }
      if (known !== undefined) {
        return known;
      }
    }
    for (const name of runtime.servedNames) {
      this.#byName.set(name, runtime);
    }
    this.#runtimes.push(runtime);
    return runtime;
  }

  /**
   * The model a request means: by name, or the only (else the first) model when it names none.
   * @returns undefined when no such model is served
   */
  resolve(name: string | null): ModelRuntime | undefined {
    return name === null || name === "" ? this.#runtimes[0] : this.#byName.get(name);
  }

  /** Every served name, first names first. */
  names(): readonly string[] {
    return this.#runtimes.flatMap((runtime) => runtime.servedNames);
  }
}
