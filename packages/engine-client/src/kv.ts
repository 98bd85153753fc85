// What hears and decodes KV events, without anything that talks gRPC or HTTP: a thread of its own loads it in no time.
export type { KvBatch, KvChange, KvMedium } from "./kv/kv-batch.ts";
export { type PackedKvBatch, packKvBatch, unpackKvBatch } from "./kv/pack-kv-batch.ts";
export {
  listenToZmqKvEvents,
  replayZmqKvEvents,
  type ZmqKvListener,
  type ZmqListening,
  type ZmqReplayListener,
} from "./kv/zmq-kv-events.ts";
export { type ZmqMeeting, ZmqMeetingPoints } from "./kv/zmq-meeting-points.ts";
export { EngineError, type EngineErrorCode } from "./engine-error.ts";
