import type { CancelAnswer } from "../responses/kept-responses.ts";
import { packNews, packResponse, startOf, unpackNews } from "../responses/packed-response.ts";
import type { PackedNews, PackedResponse } from "../responses/packed-response.ts";
import type { ResponseStore } from "../responses/response-store.ts";
import { StoredResponse } from "../responses/stored-response.ts";
import type { FollowId, FoundResponse } from "./response-messages.ts";
import type { ToThread } from "./thread-messages.ts";

/** What {@link ThreadResponses} works with. */
export interface ThreadResponsesOptions {
  readonly store: ResponseStore;
  readonly tell: (thread: number, message: ToThread) => void;
  /** Resolves when one thread, or each of them, has said everything that it had to say when it was asked. */
  readonly echo: (thread?: number) => Promise<void>;
}

interface Follower {
  readonly thread: number;
  readonly leave: () => void;
}

/** The kept responses of all request threads. */
export class ThreadResponses {
  readonly #options: ThreadResponsesOptions;
  /** Responses that go on, by the thread that makes them. */
  readonly #running = new Map<number, Map<string, StoredResponse>>();
  readonly #makers = new WeakMap<StoredResponse, number>();
  readonly #followers = new Map<FollowId, Follower>();
  #follows = 0;

  constructor(options: ThreadResponsesOptions) {
    this.#options = options;
  }

  /** A thread has made a response, or begins to. @returns false when there is no room for it */
  keep(thread: number, packed: PackedResponse): boolean {
    const { store, tell } = this.#options;
    const response = new StoredResponse(startOf(packed));
    response.apply(unpackNews(packed.news));
    if (!store.put(response)) {
      return false;
    }
    store.trim();
    if (!response.isOver) {
      const { id } = response;
      const running = this.#running.get(thread) ?? new Map<string, StoredResponse>();
      this.#running.set(thread, running);
      running.set(id, response);
      this.#makers.set(response, thread);
      response.runs(() => tell(thread, { kind: "cancel-response", id }));
    }
    return true;
  }

  /** A response that a thread makes has changed. */
  changed(thread: number, id: string, news: PackedNews): void {
    const running = this.#running.get(thread);
    running?.get(id)?.apply(unpackNews(news));
    if (news.isOver) {
      running?.delete(id);
    }
    this.#options.store.trim();
  }

  /** A thread looks for a response. */
  async find(thread: number, id: string, follows: boolean): Promise<FoundResponse | undefined> {
    const response = await this.#current(id);
    if (response === undefined) {
      return undefined;
    }
    const isFollowed = follows && !response.isOver;
    return {
      packed: packResponse(response),
      follow: isFollowed ? this.#follow(thread, response) : undefined,
    };
  }

  /** Stops a response. */
  async cancel(id: string): Promise<CancelAnswer | undefined> {
    await this.#current(id);
    return this.#options.store.cancel(id);
  }

  /** Somebody follows a response no longer. */
  unfollow(follow: FollowId): void {
    this.#followers.get(follow)?.leave();
  }

  /** A thread is gone: what it made has failed. */
  forgetThread(thread: number): void {
    for (const { thread: following, leave } of this.#followers.values()) {
      if (following === thread) {
        leave();
      }
    }
    for (const response of this.#running.get(thread)?.values() ?? []) {
      response.end();
    }
    this.#running.delete(thread);
    this.#options.store.trim();
  }

  /**
   * A response as its maker's client has seen it: what threads say on their own way may arrive after the question of another
   * one that was asked later.
   */
  async #current(id: string): Promise<StoredResponse | undefined> {
    const { store, echo } = this.#options;
    const response = store.get(id);
    if (response?.isOver === true) {
      return response;
    }
    await echo(response === undefined ? undefined : this.#makers.get(response));
    return store.get(id);
  }

  #follow(thread: number, response: StoredResponse): FollowId {
    this.#follows += 1;
    const follow = this.#follows;
    let known = response.events.length;
    const unwatch = response.watch(() => {
      const news = response.news(known);
      known += news.events.length;
      this.#options.tell(thread, { kind: "response-news", follow, news: packNews(news) });
      if (response.isOver) {
        leave();
      }
    });
    const leave = (): void => {
      unwatch();
      this.#followers.delete(follow);
    };
    this.#followers.set(follow, { thread, leave });
    return follow;
  }
}
