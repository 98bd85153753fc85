import type { Faults } from "./faults.ts";
import type { KvEventHub } from "./kv-event-hub.ts";
import { type KvEventAddress, type KvEventsConfig, ZmqKvPublisher } from "./zmq-kv-publisher.ts";

/** The ZMQ publishers of an engine's KV events, one a rank: each life of the engine has its own, on the ports of the one before. */
export class KvEventPublishers {
  #publishers: readonly ZmqKvPublisher[] = [];
  #addresses: readonly KvEventAddress[] = [];

  /** Where they are bound, or were last. */
  get addresses(): readonly KvEventAddress[] {
    return this.#addresses;
  }

  /** Peers that listen, over all ranks. */
  get subscriberCount(): number {
    return this.#publishers.reduce((sum, publisher) => sum + publisher.subscriberCount, 0);
  }

  /** Binds one publisher per rank, and has the hub publish by them. */
  async start(
    config: KvEventsConfig,
    {
      ranks,
      hub,
      faults,
    }: { readonly ranks: readonly number[]; readonly hub: KvEventHub; readonly faults: Faults },
  ): Promise<void> {
    const known = this.#addresses;
    const publishers = ranks.map((rank) => {
      const before = known[rank];
      return {
        rank: before === undefined ? rank : 0,
        publisher: new ZmqKvPublisher(
          before === undefined
            ? config
            : {
                ...config,
                endpoint: before.endpoint,
                ...(before.replayEndpoint === undefined ? {} : { replayEndpoint: before.replayEndpoint }),
              },
          faults,
        ),
      };
    });
    this.#publishers = publishers.map(({ publisher }) => publisher);
    const addresses = await Promise.all(
      publishers.map(async ({ rank, publisher }) => publisher.listen(rank)),
    );
    this.#addresses = addresses.map((address, rank) => ({ ...address, rank }));
    hub.usePublishers(this.#publishers);
  }

  /** Closes them. */
  async close(): Promise<void> {
    const publishers = this.#publishers;
    this.#publishers = [];
    await Promise.all(publishers.map((publisher) => publisher.close()));
  }
}
