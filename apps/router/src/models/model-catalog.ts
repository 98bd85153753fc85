import { RouterError } from "../router-error.ts";
import type { ModelAdapter, ModelRuntime } from "./model-runtime.ts";
import { offersTask, type RouteTask } from "./offered-task.ts";

interface Entry {
  readonly runtime: ModelRuntime;
  /** Workers that serve it now. */
  workers: number;
}

/**
 * The models that are served, by name. Filled by the fleet as workers register. A model whose workers are all gone stays
 * known (its requests wait for a worker to come back) until one with other files takes its name.
 */
export class ModelCatalog {
  readonly #byName = new Map<string, Entry>();
  readonly #entries: Entry[] = [];
  /** LoRA adapters by name, each its base model under another name; with the number of workers that have it. */
  readonly #adapters = new Map<string, Entry>();

  /** Served models in the order in which their first worker registered. */
  get runtimes(): readonly ModelRuntime[] {
    return this.#entries.map((entry) => entry.runtime);
  }

  /**
   * Takes a worker's model in; the same files under the same name give back the model that is already there. Pair every
   * call with a {@link release}.
   * @throws RouterError `model_conflict` when a served name stands for other files, or for longer contexts, of another
   *   worker
   */
  adopt(runtime: ModelRuntime): ModelRuntime {
    const known = new Set(runtime.servedNames.flatMap((name) => this.#byName.get(name) ?? []));
    const served = [...known].filter((entry) => entry.workers > 0);
    for (const entry of served) {
      checkAgreement(entry.runtime, runtime);
    }
    const entry = served[0] ?? this.#insert(runtime, known);
    entry.workers += 1;
    for (const name of runtime.servedNames) {
      this.#byName.set(name, entry);
    }
    return entry.runtime;
  }

  /**
   * A worker that served the model is gone.
   * @param forget true when it was removed on purpose: the last one takes the model with it
   */
  release(runtime: ModelRuntime, forget = false): void {
    const entry = this.#entries.find((candidate) => candidate.runtime === runtime);
    if (entry === undefined) {
      return;
    }
    entry.workers -= 1;
    if (forget && entry.workers === 0) {
      this.#forget(entry);
    }
  }

  /** Adapters of served models, in the order in which they came. */
  get adapters(): readonly ModelRuntime[] {
    return [...this.#adapters.values()].map((entry) => entry.runtime);
  }

  /** A worker has these adapters of its model, until the answer is disposed of. Served names of models count more. */
  learnAdapters(base: ModelRuntime, adapters: readonly ModelAdapter[]): Disposable {
    const learned = adapters.map((adapter) => {
      const known = this.#adapters.get(adapter.name);
      const entry = known?.runtime.contentHash === base.contentHash ? known : adapterEntry(base, adapter);
      entry.workers += 1;
      this.#adapters.set(adapter.name, entry);
      return entry;
    });
    return {
      [Symbol.dispose]: () => {
        for (const entry of learned.splice(0)) {
          entry.workers -= 1;
          const name = entry.runtime.adapter?.name ?? "";
          if (entry.workers === 0 && this.#adapters.get(name) === entry) {
            this.#adapters.delete(name);
          }
        }
      },
    };
  }

  /**
   * The model a request means: by name, or when it names none the first model that offers the task, else the first.
   * @returns undefined when no such model is served
   */
  resolve(name: string | null, task: RouteTask = "generate"): ModelRuntime | undefined {
    if (name !== null && name !== "") {
      return (this.#byName.get(name) ?? this.#adapters.get(name))?.runtime;
    }
    const able = this.#entries.find(({ runtime }) => offersTask(runtime, task)) ?? this.#entries[0];
    return able?.runtime;
  }

  /** Every served name, first names first. */
  names(): readonly string[] {
    return [
      ...new Set([...this.#entries.flatMap((entry) => entry.runtime.servedNames), ...this.#byName.keys()]),
    ];
  }

  /** Puts a model in the place of the ones it replaces, else at the end. */
  #insert(runtime: ModelRuntime, replaced: ReadonlySet<Entry>): Entry {
    const entry: Entry = { runtime, workers: 0 };
    const at = this.#entries.findIndex((candidate) => replaced.has(candidate));
    this.#entries.splice(at === -1 ? this.#entries.length : at, 0, entry);
    for (const old of replaced) {
      this.#forget(old);
    }
    return entry;
  }

  #forget(entry: Entry): void {
    const at = this.#entries.indexOf(entry);
    if (at >= 0) {
      this.#entries.splice(at, 1);
    }
    for (const [name, known] of this.#byName) {
      if (known === entry) {
        this.#byName.delete(name);
      }
    }
  }
}

function adapterEntry(base: ModelRuntime, adapter: ModelAdapter): Entry {
  return { runtime: { ...base, servedNames: [adapter.name], root: adapter.path, adapter }, workers: 0 };
}

function checkAgreement(served: ModelRuntime, offered: ModelRuntime): void {
  const name =
    offered.servedNames.find((candidate) => served.servedNames.includes(candidate)) ?? offered.servedNames[0];
  if (served.contentHash !== offered.contentHash) {
    throw new RouterError(
      "model_conflict",
      `model "${name}" is already served with other tokenizer, template or generation files (${served.contentHash}, this worker has ${offered.contentHash}); the worker is refused`,
    );
  }
  if (served.maxModelLength > offered.maxModelLength) {
    throw new RouterError(
      "model_conflict",
      `model "${name}" is already served with contexts of ${served.maxModelLength} tokens, this worker takes ${offered.maxModelLength}; the worker is refused`,
    );
  }
}
