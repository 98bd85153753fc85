import {
  listenToZmqKvEvents,
  replayZmqKvEvents,
  type ZmqKvListener,
  type ZmqListening,
  type ZmqReplayListener,
  ZmqMeetingPoints,
} from "@vllm-router/engine-client/kv";

/** Something that listens until it is stopped. */
export interface KvListeningHandle {
  stop(): void;
}

/** What is listened to. */
export interface KvPublisher {
  readonly address: string;
  /** Beginning of its topics. */
  readonly topic: string;
  /** True where the publisher dials and this machine listens, at the address. */
  readonly dials: boolean;
}

/** Brings messages of ZMQ publishers to the thread that owns the index, wherever they are received and decoded. */
export interface KvTransport {
  /** Held by whoever uses the transport, for as long. */
  lease(): Disposable;
  /** As `listenToZmqKvEvents` and `ZmqMeetingPoints`. What they throw may be told by `end` instead. */
  listen(publisher: KvPublisher, listener: ZmqKvListener): KvListeningHandle;
  /** As `replayZmqKvEvents`. */
  replay(
    options: { readonly address: string; readonly from: number },
    listener: ZmqReplayListener,
  ): KvListeningHandle;
}

/** Listens to publishers, whoever dials; those that do meet at addresses bound here. */
export function createPublisherListening(): (
  publisher: KvPublisher,
  listener: ZmqKvListener,
) => ZmqListening {
  const meetingPoints = new ZmqMeetingPoints();
  return (publisher, listener) =>
    publisher.dials ? meetingPoints.listen(publisher, listener) : listenToZmqKvEvents(publisher, listener);
}

/** Receives and decodes on the calling thread. */
export const sameThreadTransport: KvTransport = {
  lease: () => ({ [Symbol.dispose]: () => undefined }),
  listen: createPublisherListening(),
  replay: replayZmqKvEvents,
};
