import { EngineError, type KvBatch } from "@vllm-router/engine-client";
import type { KvFeed, KvReplayRequest } from "@vllm-router/routing-core";
import type { KvListeningHandle, KvTransport } from "./kv-thread/kv-transport.ts";
import type { CancelTimer, Timers } from "./timers.ts";

/** Where one rank's events come from. */
export interface ZmqKvAddress {
  /** `tcp://host:port` or `ipc://path`. */
  readonly endpoint: string;
  /** Where old batches can be had; undefined where they cannot. */
  readonly replayEndpoint: string | undefined;
  /** Beginning of the topics that are listened to. */
  readonly topic: string;
  /** True where the publisher dials the endpoint, at which this machine listens. Default false. */
  readonly dials?: boolean;
}

/** What a source works with. */
export interface ZmqKvSourceOptions {
  readonly address: ZmqKvAddress;
  readonly feed: KvFeed;
  readonly timers: Timers;
  /** Carries the messages. */
  readonly transport: KvTransport;
  /** Told when it begins to hear the publisher, and when it does not hear it any more. */
  readonly changed: (isHeard: boolean, detail: string) => void;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** A publisher that is away for longer than this is not believed any more until it is back. */
const BELIEVED_MS = 5_000;
/** vLLM answers replays between batches, within 100 ms; a replay that is silent for so long has failed. */
const REPLAY_SILENCE_MS = 5_000;

/** Listens to one rank's ZMQ publisher until it is disposed of, and asks for what was missed. */
export class ZmqKvSource implements Disposable {
  readonly #options: ZmqKvSourceOptions;
  #listening: KvListeningHandle | undefined;
  #replay: KvListeningHandle | undefined;
  #cancelPause: CancelTimer | undefined;
  #cancelDisbelief: CancelTimer | undefined;
  #cancelSilence: CancelTimer | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #isHeard = false;
  readonly #lease: Disposable;
  #isDisposed = false;

  constructor(options: ZmqKvSourceOptions) {
    this.#options = options;
    this.#lease = options.transport.lease();
    this.#listen();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#listening?.stop();
    this.#endReplay();
    this.#cancelPause?.();
    this.#cancelDisbelief?.();
    this.#lease[Symbol.dispose]();
    this.#options.feed.end();
  }

  #listen(): void {
    const { changed } = this.#options;
    try {
      this.#listening = this.#dial();
    } catch (error) {
      // An address that nobody can dial: trying again does not make it better.
      changed(false, error instanceof EngineError ? error.message : String(error));
    }
  }

  #dial(): KvListeningHandle {
    const { address, feed, changed, transport } = this.#options;
    return transport.listen(
      { address: address.endpoint, topic: address.topic, dials: address.dials === true },
      {
        connected: () => {
          this.#pauseMs = FIRST_PAUSE_MS;
          this.#isHeard = true;
          this.#cancelDisbelief?.();
          this.#cancelDisbelief = undefined;
          changed(true, address.endpoint);
          this.#askReplay(feed.connected());
        },
        batch: (batch: KvBatch) => this.#askReplay(feed.receive(batch)),
        malformed: (error) => changed(true, error.message),
        end: (error) => this.#lost(error),
      },
    );
  }

  #lost(error: EngineError): void {
    const { address, feed, timers, changed } = this.#options;
    const wasHeard = this.#isHeard;
    this.#isHeard = false;
    if (this.#isDisposed) {
      return;
    }
    changed(false, error.message);
    if (this.#replay !== undefined) {
      this.#endReplay();
      feed.replayFailed();
    }
    this.#cancelDisbelief ??= timers.after(BELIEVED_MS, () => feed.end());
    if (wasHeard && address.dials === true) {
      // It dials again by itself, and what it says then shall find somebody.
      this.#listen();
      return;
    }
    this.#cancelPause = timers.after(this.#pauseMs, () => this.#listen());
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }

  #askReplay(request: KvReplayRequest | undefined): void {
    const { address, feed, transport } = this.#options;
    if (request === undefined || address.replayEndpoint === undefined) {
      return;
    }
    this.#awaitReplay();
    this.#replay = transport.replay(
      { address: address.replayEndpoint, from: request.from },
      {
        batch: (batch) => {
          this.#awaitReplay();
          feed.replayed(batch);
        },
        end: (error) => {
          this.#endReplay();
          if (error === undefined) {
            this.#askReplay(feed.replayEnded());
          } else {
            feed.replayFailed();
          }
        },
      },
    );
  }

  /** Gives the replay so long to say something more. */
  #awaitReplay(): void {
    const { feed, timers } = this.#options;
    this.#cancelSilence?.();
    this.#cancelSilence = timers.after(REPLAY_SILENCE_MS, () => {
      this.#endReplay();
      feed.replayFailed();
    });
  }

  #endReplay(): void {
    this.#cancelSilence?.();
    this.#replay?.stop();
    this.#replay = undefined;
  }
}
