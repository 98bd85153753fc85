import type { Faults } from "./faults.ts";
import { encodeKvEvents, type KvEventEncoding, type KvEventMessage } from "./kv-event-payload.ts";
import { ZmqServer, type ZmqPeer } from "./zmq-server.ts";

/** vLLM's `--kv-events-config`, as far as the simulator has it. */
export interface KvEventsConfig {
  /** `tcp://host:port` or `ipc://path`; rank r has the port plus r. Bound, unless {@link dials}; port 0 takes free ones. */
  readonly endpoint: string;
  /** The same for replays; none by default. */
  readonly replayEndpoint?: string;
  /** Batches kept for replays. Default 10 000. */
  readonly bufferSteps?: number;
  /** Default: empty. */
  readonly topic?: string;
  /**
   * Not in vLLM: whether the sources that the engine names have `*` for their host, as those of an engine that was told to
   * bind `tcp://*:5557`. Default false: the addresses as they were bound.
   */
  readonly namesWildcards?: boolean;
  /** Dials the endpoint, as vLLM does where it has no wildcard, and again until somebody answers. Default false. */
  readonly dials?: boolean;
  /** Not in vLLM: which era's messages. Default `map`. */
  readonly encoding?: KvEventEncoding;
}

/** Where a rank publishes. */
export interface KvEventAddress {
  readonly rank: number;
  readonly endpoint: string;
  readonly replayEndpoint: string | undefined;
}

interface NumberedPayload {
  readonly number: Buffer;
  readonly sequence: number;
  readonly payload: Buffer;
}

const DEFAULT_BUFFER_STEPS = 10_000;
const END_OF_REPLAY = Buffer.alloc(8, 0xff);
const EMPTY = Buffer.alloc(0);

/** vLLM's ZMQ event publisher of one rank: PUB, and ROUTER for replays. */
export class ZmqKvPublisher {
  readonly #config: KvEventsConfig;
  readonly #faults: Faults;
  readonly #topic: Buffer;
  readonly #publisher = new ZmqServer("PUB", () => undefined);
  readonly #replayer = new ZmqServer("ROUTER", (parts, peer) => this.#replay(parts, peer));
  readonly #kept: NumberedPayload[] = [];
  #hasReplay = false;

  constructor(config: KvEventsConfig, faults: Faults) {
    this.#config = config;
    this.#faults = faults;
    this.#topic = Buffer.from(config.topic ?? "", "utf8");
  }

  /** Peers that listen. */
  get subscriberCount(): number {
    return this.#publisher.subscriberCount;
  }

  /** Binds; where to dial. @throws SimulatorError listen_failed */
  async listen(rank: number): Promise<KvEventAddress> {
    const { endpoint, replayEndpoint, dials } = this.#config;
    const own = ofRank(endpoint, rank);
    const bound = dials === true ? this.#publisher.dial(own) : await this.#publisher.bind(own);
    if (replayEndpoint === undefined) return { rank, endpoint: bound, replayEndpoint: undefined };
    this.#hasReplay = true;
    return { rank, endpoint: bound, replayEndpoint: await this.#replayer.bind(ofRank(replayEndpoint, rank)) };
  }

  publish(sequence: number, message: KvEventMessage): void {
    const number = Buffer.alloc(8);
    number.writeBigUInt64BE(BigInt(sequence));
    const payload = encodeKvEvents(message, this.#config.encoding ?? "map");
    this.#kept.push({ number, sequence, payload });
    if (this.#kept.length > (this.#config.bufferSteps ?? DEFAULT_BUFFER_STEPS)) this.#kept.shift();
    for (let copies = this.#faults.takeKvBatchCopies(); copies > 0; copies -= 1) {
      this.#publisher.publish([this.#topic, number, payload]);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#publisher.close(), this.#hasReplay ? this.#replayer.close() : undefined]);
  }

  #replay(parts: readonly Buffer[], peer: ZmqPeer): void {
    const [delimiter, from] = parts;
    // Anything else is ignored, as in vLLM.
    if (parts.length !== 2 || delimiter?.length !== 0 || from?.length !== 8) return;
    const start = Number(from.readBigUInt64BE());
    for (const { sequence, number, payload } of this.#kept) {
      if (sequence >= start) peer.send([EMPTY, this.#topic, number, payload]);
    }
    peer.send([EMPTY, EMPTY, END_OF_REPLAY, EMPTY]);
  }
}

function ofRank(endpoint: string, rank: number): string {
  if (rank === 0 || !endpoint.startsWith("tcp://")) return rank === 0 ? endpoint : `${endpoint}_dp${rank}`;
  const colon = endpoint.lastIndexOf(":");
  const port = Number(endpoint.slice(colon + 1));
  return port === 0 ? endpoint : `${endpoint.slice(0, colon)}:${port + rank}`;
}
