import type { EngineError } from "../engine-error.ts";
import type { KvBatch } from "./kv-batch.ts";
import { batchFrom, protocolError } from "./kv-message.ts";
import { dialZmq, type ZmqConnection } from "./zmq-connection.ts";

/** Hears one rank's event publisher. */
export interface ZmqKvListener {
  /** Whatever is published from now on will be heard. */
  connected(): void;
  batch(batch: KvBatch): void;
  /** A message that is no batch; its number is missing among the batches. */
  malformed(error: EngineError): void;
  /** The last call, unless it was stopped. */
  end(error: EngineError): void;
}

/** Hears a replay. */
export interface ZmqReplayListener {
  batch(batch: KvBatch): void;
  /** The last call, unless it was stopped; without an error all that the publisher has was told. */
  end(error: EngineError | undefined): void;
}

/** Something that listens until it is stopped. */
export interface ZmqListening {
  /** Hears nothing until `resume`; what the publisher cannot keep meanwhile is missing afterwards. */
  pause(): void;
  resume(): void;
  stop(): void;
}

/**
 * Listens to vLLM's `--kv-events-config` publisher at `address` (`tcp://host:port`, `ipc://path`) for topics that begin
 * with `topic`. One connection: after `end` it is over.
 * @throws EngineError `rejected` for an address that is none
 */
export function listenToZmqKvEvents(
  options: { readonly address: string; readonly topic: string },
  listener: ZmqKvListener,
): ZmqListening {
  const topic = Buffer.from(options.topic, "utf8");
  const connection = dialZmq(options.address, "SUB", {
    ready: () => {
      connection.send([Buffer.concat([SUBSCRIBE, topic])]);
      listener.connected();
    },
    message: (parts) => {
      // Topic, number, payload.
      try {
        listener.batch(batchFrom(parts[1], parts[2]));
      } catch (error) {
        listener.malformed(protocolError(error));
      }
    },
    lost: (error) => listener.end(error),
  });
  return listeningOn(connection);
}

/**
 * Asks the publisher's replay socket for all batches it still has from a number on.
 * @throws EngineError `rejected` for an address that is none
 */
export function replayZmqKvEvents(
  options: { readonly address: string; readonly from: number },
  listener: ZmqReplayListener,
): ZmqListening {
  const connection = dialZmq(options.address, "DEALER", {
    ready: () => {
      const from = Buffer.alloc(8);
      from.writeBigUInt64BE(BigInt(options.from));
      connection.send([EMPTY, from]);
    },
    message: (parts) => {
      // Empty, topic (vLLM since 0.24), number, payload.
      const number = parts.at(-2);
      if (number?.length === 8 && number.readBigInt64BE() === END_OF_REPLAY) {
        connection.close();
        listener.end(undefined);
        return;
      }
      try {
        listener.batch(batchFrom(number, parts.at(-1)));
      } catch (error) {
        connection.close();
        listener.end(protocolError(error));
      }
    },
    lost: (error) => listener.end(error),
  });
  return listeningOn(connection);
}

function listeningOn(connection: ZmqConnection): ZmqListening {
  return {
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    stop: () => connection.close(),
  };
}

const SUBSCRIBE = Buffer.from([1]);
const EMPTY = Buffer.alloc(0);
const END_OF_REPLAY = -1n;
