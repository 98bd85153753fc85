import type { CancelAnswer, KeptResponses } from "./kept-responses.ts";
import type { StoredResponse } from "./stored-response.ts";

/** Bounds of a {@link ResponseStore}. */
export interface ResponseStoreOptions {
  /** Responses kept at most. */
  readonly capacity: number;
  /** Characters of bodies and events kept at most. */
  readonly maxCharacters: number;
}

/**
 * Responses that later requests may ask for or go on from (`VLLM_ENABLE_RESPONSES_API_STORE`). vLLM keeps them for ever;
 * here the oldest ones that are over make room.
 */
export class ResponseStore implements KeptResponses {
  readonly #options: ResponseStoreOptions;
  readonly #responses = new Map<string, StoredResponse>();

  constructor(options: ResponseStoreOptions) {
    this.#options = options;
  }

  /** Responses kept. */
  get size(): number {
    return this.#responses.size;
  }

  get(id: string): StoredResponse | undefined {
    return this.#responses.get(id);
  }

  put(response: StoredResponse): boolean {
    this.#responses.delete(response.id);
    if (!this.#makeRoom(1)) {
      return false;
    }
    this.#responses.set(response.id, response);
    return true;
  }

  cancel(id: string): CancelAnswer | undefined {
    const response = this.get(id);
    return response === undefined ? undefined : { isCancelled: response.cancel(), body: response.body };
  }

  trim(): void {
    this.#makeRoom(0);
  }

  #makeRoom(places: number): boolean {
    let characters = 0;
    for (const response of this.#responses.values()) {
      characters += response.characters;
    }
    for (const [id, response] of this.#responses) {
      const isFull = this.#responses.size + places > this.#options.capacity;
      if (!isFull && characters <= this.#options.maxCharacters) {
        break;
      }
      if (response.isOver) {
        characters -= response.characters;
        this.#responses.delete(id);
      }
    }
    return this.#responses.size + places <= this.#options.capacity;
  }
}
