import type { CancelTimer, Timers } from "../fleet/timers.ts";
import type { CancelAnswer, KeptResponses } from "../responses/kept-responses.ts";
import {
  packNews,
  packResponse,
  startOf,
  unpackNews,
  type PackedNews,
} from "../responses/packed-response.ts";
import { StoredResponse } from "../responses/stored-response.ts";
import type { FollowId, FoundResponse } from "./response-messages.ts";
import type { FromThread, Question } from "./thread-messages.ts";

/** Longest time that events of a response made here wait for others. */
const WAIT_MS = 5;

/** What {@link RemoteResponses} works with. */
export interface RemoteResponsesOptions {
  readonly timers: Timers;
  readonly ask: (about: Question) => Promise<unknown>;
  readonly tell: (message: FromThread) => void;
}

/** Kept responses as a request thread has them: the fleet's thread keeps them for all. */
export class RemoteResponses implements KeptResponses {
  readonly #options: RemoteResponsesOptions;
  /** Those that are made here and go on, with the events that have been told. */
  readonly #running = new Map<string, { readonly response: StoredResponse; told: number }>();
  readonly #changed = new Set<string>();
  readonly #followed = new Map<FollowId, StoredResponse>();
  #cancelTimer: CancelTimer | undefined;

  constructor(options: RemoteResponsesOptions) {
    this.#options = options;
  }

  async get(
    id: string,
    { follows = false }: { readonly follows?: boolean } = {},
  ): Promise<StoredResponse | undefined> {
    const found = (await this.#options.ask({ about: "response", id, follows })) as FoundResponse | undefined;
    if (found === undefined) {
      return undefined;
    }
    const { packed, follow } = found;
    const response =
      follow === undefined
        ? new StoredResponse(startOf(packed))
        : new FollowedResponse(startOf(packed), () => this.#unfollow(follow));
    response.apply(unpackNews(packed.news));
    if (follow !== undefined) {
      this.#followed.set(follow, response);
    }
    return response;
  }

  async put(response: StoredResponse): Promise<boolean> {
    const { id } = response;
    const asked = this.#options.ask({ about: "keep-response", packed: packResponse(response) });
    if (response.isOver) {
      return (await asked) === true;
    }
    const running = { response, told: response.events.length };
    this.#running.set(id, running);
    const unwatch = response.watch(() => {
      this.#changed.add(id);
      if (response.isOver) {
        unwatch();
        this.flush();
      } else {
        this.#cancelTimer ??= this.#options.timers.after(WAIT_MS, () => this.flush());
      }
    });
    const isKept = (await asked) === true;
    if (!isKept) {
      unwatch();
      this.#drop(id, response);
    }
    return isKept;
  }

  trim(): void {
    // The fleet's thread does when it hears of it.
  }

  async cancel(id: string): Promise<CancelAnswer | undefined> {
    return (await this.#options.ask({ about: "cancel-response", id })) as CancelAnswer | undefined;
  }

  /** Somebody cancelled a response that is made here. */
  cancelled(id: string): void {
    this.#running.get(id)?.response.cancel();
  }

  /** A response that is followed here has changed. */
  heard(follow: FollowId, news: PackedNews): void {
    const response = this.#followed.get(follow);
    if (news.isOver) {
      this.#followed.delete(follow);
    }
    response?.apply(unpackNews(news));
  }

  /** Tells what has changed of the responses that are made here. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    for (const id of this.#changed) {
      const running = this.#running.get(id);
      if (running !== undefined) {
        const { response, told } = running;
        running.told = response.events.length;
        this.#options.tell({ kind: "response-changed", id, news: packNews(response.news(told)) });
        if (response.isOver) {
          this.#drop(id, response);
        }
      }
    }
    this.#changed.clear();
  }

  /** Another one may have come in its place. */
  #drop(id: string, response: StoredResponse): void {
    if (this.#running.get(id)?.response === response) {
      this.#running.delete(id);
    }
  }

  #unfollow(follow: FollowId): void {
    if (this.#followed.delete(follow)) {
      this.#options.tell({ kind: "unfollow-response", follow });
    }
  }
}

/** A response that is made in another thread, while somebody here watches it. */
class FollowedResponse extends StoredResponse {
  readonly #left: () => void;

  constructor(start: ConstructorParameters<typeof StoredResponse>[0], left: () => void) {
    super(start);
    this.#left = left;
  }

  override watch(watcher: () => void): () => void {
    const unwatch = super.watch(watcher);
    return () => {
      unwatch();
      this.#left();
    };
  }
}
