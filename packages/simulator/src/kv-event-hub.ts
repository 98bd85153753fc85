import type { Clock, Timer } from "./clock.ts";
import type { Engine } from "./engine.ts";
import type { GrpcCall } from "./grpc-call.ts";
import { KvEventStream } from "./kv-event-stream.ts";
import type { KvEvent } from "./kv-events.ts";
import type { ZmqKvPublisher } from "./zmq-kv-publisher.ts";
import { engineLoad, schedulerLoad } from "./load-record.ts";

const tickMs = 100;

/** Numbers the batches of every rank and hands them to the subscribers. Keeps no history, like vLLM's bridge. */
export class KvEventHub {
  readonly #clock: Clock;
  readonly #streams = new Set<KvEventStream>();
  readonly #nextSequenceNumbers: number[] = [];
  readonly #engine: () => Engine;
  #timer: Timer | undefined;
  #publishers: readonly ZmqKvPublisher[] = [];

  constructor(clock: Clock, engine: () => Engine) {
    this.#clock = clock;
    this.#engine = engine;
  }

  /** Publishes by ZMQ as well, one publisher per rank. */
  usePublishers(publishers: readonly ZmqKvPublisher[]): void {
    this.#publishers = publishers;
  }

  /** Streams that listen. */
  get subscriberCount(): number {
    return this.#streams.size;
  }

  publish(rank: number, events: readonly KvEvent[]): void {
    const sequenceNumber = this.#nextSequenceNumbers[rank] ?? 0;
    this.#nextSequenceNumbers[rank] = sequenceNumber + 1;
    const timestampSeconds = this.#clock.epochMs() / 1000;
    const { blockSize } = this.#engine().options.limits;
    for (const stream of this.#streams) {
      stream.publish({ rank, sequenceNumber, timestampSeconds, events, blockSize });
    }
    this.#publishers[rank]?.publish(sequenceNumber, { rank, timestampSeconds, events, blockSize });
  }

  subscribe(call: GrpcCall): void {
    const stream = new KvEventStream(call, this.#clock, (rank) => this.#load(rank));
    this.#streams.add(stream);
    call.onCancel = () => {
      this.#streams.delete(stream);
      if (this.#streams.size === 0) this.#stopTicking();
    };
    this.#timer ??= this.#clock.after(tickMs, () => this.#tick());
  }

  close(): void {
    this.#streams.clear();
    this.#stopTicking();
  }

  #load(rank: number): ReturnType<typeof engineLoad> {
    const engine = this.#engine();
    const source = engine.ranks[rank];
    if (source === undefined) throw new RangeError(`no rank ${rank}`);
    return engineLoad(schedulerLoad(engine, source));
  }

  #tick(): void {
    this.#timer = this.#clock.after(tickMs, () => this.#tick());
    for (const stream of this.#streams) stream.tick();
  }

  #stopTicking(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
