import {
  listenToZmqKvEvents,
  replayZmqKvEvents,
  type ZmqKvListener,
  type ZmqReplayListener,
} from "@vllm-router/engine-client/kv";

/** Something that listens until it is stopped. */
export interface KvListeningHandle {
  stop(): void;
}

/** Brings messages of ZMQ publishers to the thread that owns the index, wherever they are received and decoded. */
export interface KvTransport {
  /** Held by whoever uses the transport, for as long. */
  lease(): Disposable;
  /** As `listenToZmqKvEvents`. An address that is none may be told by `end` instead of thrown. */
  listen(
    options: { readonly address: string; readonly topic: string },
    listener: ZmqKvListener,
  ): KvListeningHandle;
  /** As `replayZmqKvEvents`. */
  replay(
    options: { readonly address: string; readonly from: number },
    listener: ZmqReplayListener,
  ): KvListeningHandle;
}

/** Receives and decodes on the calling thread. */
export const sameThreadTransport: KvTransport = {
  lease: () => ({ [Symbol.dispose]: () => undefined }),
  listen: listenToZmqKvEvents,
  replay: replayZmqKvEvents,
};
