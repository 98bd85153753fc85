import type { FinishedResponse, ResponsesHistory, ResponseStatus } from "@vllm-router/api";

/** What a {@link StoredResponse} begins with. */
export interface StoredResponseStart {
  readonly id: string;
  /** Messages of the request, for requests that go on from it. */
  readonly messages: ResponsesHistory["messages"];
  /** Prints the response while it has no output. */
  unfinished(status: ResponseStatus): string;
}

/** What happened to a response since somebody looked. */
export interface ResponseNews {
  readonly status: ResponseStatus;
  readonly finished: FinishedResponse | undefined;
  /** Events that are new. */
  readonly events: readonly string[];
  readonly isOver: boolean;
}

/** A response that later requests may ask for: what it is now, the events of its stream, and how to stop it. */
export class StoredResponse {
  readonly id: string;
  readonly start: StoredResponseStart;
  readonly #events: string[] = [];
  readonly #watchers = new Set<() => void>();
  #status: ResponseStatus = "queued";
  #finished: FinishedResponse | undefined;
  #isOver = false;
  #stop: (() => void) | undefined;
  #eventCharacters = 0;

  constructor(start: StoredResponseStart) {
    this.id = start.id;
    this.start = start;
  }

  /** How it stands. */
  get status(): ResponseStatus {
    return this.#status;
  }

  /** True once nothing more will come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Events of its stream so far, each whole. */
  get events(): readonly string[] {
    return this.#events;
  }

  /** The response as one body. */
  get body(): string {
    return this.#finished !== undefined && this.#status !== "cancelled"
      ? this.#finished.body
      : this.start.unfinished(this.#status);
  }

  /** What requests go on from. */
  get history(): ResponsesHistory {
    const { answers = [], harmony } = this.#finished ?? {};
    return { messages: this.start.messages, answers, harmony };
  }

  /** Characters kept, messages aside. */
  get characters(): number {
    return this.#eventCharacters + (this.#finished?.body.length ?? 0);
  }

  /** It runs on without a client; `stop` ends that. */
  runs(stop: () => void): void {
    this.#stop = stop;
    if (this.#status === "cancelled") {
      stop();
    }
  }

  /** What there is to tell somebody who knows so many of its events. */
  news(knownEvents: number): ResponseNews {
    return {
      status: this.#status,
      finished: this.#finished,
      events: this.#events.slice(knownEvents),
      isOver: this.#isOver,
    };
  }

  /** It is made in another thread, which tells what happened. A cancelled one stays cancelled. */
  apply({ status, finished, events, isOver }: ResponseNews): void {
    this.#finished = finished;
    this.#status = this.#status === "cancelled" ? this.#status : status;
    for (const event of events) {
      this.#events.push(event);
      this.#eventCharacters += event.length;
    }
    this.#isOver = isOver;
    this.#stop = isOver ? undefined : this.#stop;
    this.#tell();
  }

  /** More of its stream: whole events. */
  addEvents(text: string): void {
    for (const event of text.split(/(?<=\n\n)/)) {
      if (event !== "") {
        this.#events.push(event);
        this.#eventCharacters += event.length;
      }
    }
    this.#tell();
  }

  /** It is complete; a cancelled one stays cancelled. */
  finish(finished: FinishedResponse): void {
    this.#finished = finished;
    if (this.#status !== "cancelled") {
      this.#status = "completed";
    }
  }

  /** Nothing more will come; without having been finished it has failed. */
  end(): void {
    this.#isOver = true;
    this.#stop = undefined;
    if (this.#status === "queued") {
      this.#status = "failed";
    }
    this.#tell();
  }

  /** Stops a response that runs on without a client. @returns false when there is nothing to stop */
  cancel(): boolean {
    if (this.#status !== "queued") {
      return false;
    }
    this.#status = "cancelled";
    this.#stop?.();
    return true;
  }

  /** Calls `watcher` after every change until the returned function is called. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  #tell(): void {
    for (const watcher of this.#watchers) {
      watcher();
    }
  }
}
