import type { Socket } from "node:net";
import { EngineError } from "../../engine-error.ts";
import { openSocket } from "../../socket/open-socket.ts";
import type { TransportOptions } from "../transport-options.ts";
import type { TurnQueue } from "../turn-queue.ts";
import type { AnswerHead } from "./answer-head.ts";
import { clientHello, CONNECTION_WINDOW_BYTES } from "./client-hello.ts";
import { lossError } from "./connection-loss.ts";
import { bytesFrame, FLAG, FRAME, numbersFrame } from "./frame.ts";
import { HTTP2_CODE } from "../http2-code.ts";
import type { ReceivedFrame } from "./frame-splitter.ts";
import { KeepAlive } from "./keep-alive.ts";
import type { CallHost, NetCall } from "./net-call.ts";
import { OutputQueue } from "./output-queue.ts";
import type { PayloadRange } from "./payload-range.ts";
import { PeerSettings } from "./peer-settings.ts";
import { type Goodbye, type ProtocolListener, ProtocolReader, violation } from "./protocol-reader.ts";
import { SendQueue } from "./send-queue.ts";
import { StreamTable } from "./stream-table.ts";

/** An engine that asks and asks but does not listen to the answers is given up when so much waits for it. */
const MAX_UNSENT_BYTES = 8 * 1024 * 1024;
const EMPTY = Buffer.alloc(0);
/** Sets the engine's picture of our header table to nothing: it is not used. */
const NO_HEADER_TABLE = Buffer.of(0x20);

/** What a connection tells the transport it belongs to. */
export interface ConnectionOwner {
  readonly turns: TurnQueue;
  /** How many streams the engine takes on a connection, as far as it has said; new connections begin with it. */
  streamLimit: number | undefined;
  /** A stream ended, or the engine takes more of them. */
  roomMade(): void;
  /** The engine said goodbye before it looked at the call. */
  startOver(call: NetCall): void;
  /** Nothing to do for this connection: true when others are there, so that it may go. */
  isSpare(connection: NetConnection): boolean;
  /** Once, last. */
  closed(connection: NetConnection): void;
}

/** One HTTP/2 connection, spoken by hand: every frame of a read is handled in one go. */
export class NetConnection implements ProtocolListener, CallHost {
  readonly #owner: ConnectionOwner;
  readonly #options: TransportOptions;
  readonly #socket: Socket;
  readonly #output: OutputQueue;
  readonly #settings: PeerSettings;
  readonly #sending: SendQueue;
  readonly #reader = new ProtocolReader(this);
  readonly #keepAlive: KeepAlive;
  readonly #calls = new StreamTable<NetCall>();
  #nextStreamId = 1;
  #uncreditedBytes = 0;
  #isConnected = false;
  #isLost = false;
  /** No new streams: the engine said goodbye, or the stream ids are used up. */
  #isLeaving = false;
  /** Last words of the engine, for the error of calls that end with the connection. */
  #goodbye = "";

  constructor(options: TransportOptions, owner: ConnectionOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#settings = new PeerSettings(owner.streamLimit);
    this.#socket = openSocket(
      { ...options, protocol: "h2" },
      {
        connected: () => this.#connected(),
        read: (bytes, length) => this.#read(bytes, length),
        drained: () => this.#sending.pump(),
        closed: (failure) => this.#closed(failure),
      },
    );
    this.#output = new OutputQueue(this.#socket);
    this.#sending = new SendQueue(this.#output, this.#settings);
    this.#keepAlive = new KeepAlive(options.keepAliveMs, {
      ping: () => this.#tick(),
      dead: () => this.#destroy(new Error(`no answer to a ping within ${options.keepAliveMs} ms`)),
    });
    this.#output.push(clientHello(options));
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** True when another stream can be opened now. */
  get hasRoom(): boolean {
    return !this.#isLost && !this.#isLeaving && this.#calls.size < this.#settings.maxConcurrentStreams;
  }

  /** True when there may be room soon: the engine has not said yet how many streams it takes. */
  get isStarting(): boolean {
    return !this.#isLost && !this.#isLeaving && !this.#settings.isKnown;
  }

  /** Opens a stream for a call; there has to be room. */
  open(call: NetCall): void {
    const { request } = call;
    if (request === undefined) return;
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    call.host = this;
    call.streamId = streamId;
    this.#calls.add(call);
    const block = streamId === 1 ? Buffer.concat([NO_HEADER_TABLE, request.block]) : request.block;
    this.#sending.start(streamId, block, request.body);
    if (streamId >= this.#options.maxCallsPerConnection * 2 - 1) this.#isLeaving = true;
  }

  abandon(call: NetCall): void {
    if (this.#calls.delete(call.streamId)) this.#endStream(call.streamId);
  }

  credit(call: NetCall, sizeBytes: number): void {
    if (!this.#isLost) this.#output.push(numbersFrame(FRAME.WINDOW_UPDATE, call.streamId, [sizeBytes]));
  }

  /** Ends the connection and everything on it; resolves when the socket is closed. */
  async close(reason: Error): Promise<void> {
    if (this.#isLost) return;
    await new Promise<void>((resolve) => {
      this.#socket.once("close", () => resolve());
      this.#destroy(reason);
    });
  }

  data(frame: ReceivedFrame, range: PayloadRange): void {
    const { streamId } = frame;
    const flowBytes = frame.end - frame.start;
    this.#uncreditedBytes += flowBytes;
    if (this.#uncreditedBytes * 2 >= CONNECTION_WINDOW_BYTES) this.#creditConnection();
    const call = this.#callOf(streamId);
    if (call === undefined) return;
    call.data(frame.bytes, range, flowBytes);
    if ((frame.flags & FLAG.END_STREAM) !== 0) this.#ended(streamId, call);
    else if (frame.isLastOfRead) call.settle();
  }

  headers(streamId: number, head: AnswerHead, isEnd: boolean): void {
    const call = this.#callOf(streamId);
    if (call === undefined) return;
    call.headers(head, isEnd);
    if (isEnd) this.#ended(streamId, call);
  }

  reset(streamId: number, code: number): void {
    const call = this.#callOf(streamId);
    if (call === undefined) return;
    this.#calls.delete(streamId);
    this.#sending.drop(streamId);
    call.reset(code);
    this.#streamGone();
  }

  settings(frame: ReceivedFrame): void {
    const before = this.#settings.initialWindowBytes;
    this.#settings.apply(frame.bytes, frame.start, frame.end);
    this.#owner.streamLimit = this.#settings.maxConcurrentStreams;
    this.#output.push(bytesFrame(FRAME.SETTINGS, FLAG.ACK, EMPTY));
    this.#sending.shift(this.#settings.initialWindowBytes - before);
    this.#owner.roomMade();
  }

  ping(payload: Buffer): void {
    this.#output.push(bytesFrame(FRAME.PING, FLAG.ACK, payload));
  }

  goAway({ lastStreamId, code, text }: Goodbye): void {
    this.#goodbye = `the engine said goodbye with code ${code}${text === "" ? "" : ` (${text})`}`;
    this.#isLeaving = true;
    for (const call of this.#calls.all()) {
      const { streamId } = call;
      if (streamId <= lastStreamId) continue;
      this.#calls.delete(streamId);
      this.#sending.drop(streamId);
      if (code === HTTP2_CODE.NO_ERROR && call.restart()) this.#owner.startOver(call);
      else call.lost(new EngineError("unavailable", this.#goodbye, { notStarted: true }));
    }
    this.#streamGone();
  }

  windowUpdate(streamId: number, increment: number): void {
    if (streamId !== 0) this.#callOf(streamId);
    this.#sending.grow(streamId, increment);
  }

  #connected(): void {
    this.#isConnected = true;
    this.#keepAlive.start();
    this.#output.open();
  }

  #read(bytes: Buffer, length: number): void {
    if (this.#isLost) return;
    this.#keepAlive.heard();
    const { turns } = this.#owner;
    this.#output.isGathering = true;
    turns.enter();
    try {
      this.#reader.push(bytes, length);
    } catch (error) {
      this.#violated(error);
    } finally {
      turns.leave();
      this.#output.isGathering = false;
      this.#output.flush();
    }
    if (this.#output.backlogBytes > MAX_UNSENT_BYTES)
      this.#destroy(new Error("the engine does not read what it is sent"));
  }

  #creditConnection(): void {
    this.#output.push(numbersFrame(FRAME.WINDOW_UPDATE, 0, [this.#uncreditedBytes]));
    this.#uncreditedBytes = 0;
  }

  #ended(streamId: number, call: NetCall): void {
    // The call may have been given up meanwhile.
    if (!this.#calls.delete(streamId)) return;
    call.ended();
    // The engine may answer before it has read the whole request.
    if (this.#sending.isSending(streamId)) this.#endStream(streamId);
    else this.#streamGone();
  }

  /** The call of a stream; undefined when it is over already. Streams that never were are a violation. */
  #callOf(streamId: number): NetCall | undefined {
    const call = this.#calls.get(streamId);
    if (call !== undefined) return call;
    if ((streamId & 1) === 0 || streamId >= this.#nextStreamId)
      throw violation(`speaks on stream ${streamId}, which was never opened`);
    return undefined;
  }

  #endStream(streamId: number): void {
    this.#sending.drop(streamId);
    if (this.#isLost) return;
    this.#output.push(numbersFrame(FRAME.RST_STREAM, streamId, [HTTP2_CODE.CANCEL]));
    this.#streamGone();
  }

  #streamGone(): void {
    if (this.#isLost) return;
    if (this.#isLeaving && this.#calls.size === 0) this.#leave();
    else this.#owner.roomMade();
  }

  /** Closes in good order: what was said before still goes out. */
  #leave(): void {
    this.#isLeaving = true;
    this.#output.push(numbersFrame(FRAME.GOAWAY, 0, [0, HTTP2_CODE.NO_ERROR]));
    this.#output.flush();
    this.#socket.end();
  }

  #tick(): void {
    if (this.#calls.size === 0 && this.#owner.isSpare(this)) this.#leave();
    else this.#output.push(bytesFrame(FRAME.PING, 0, Buffer.alloc(8)));
  }

  #violated(error: unknown): void {
    const reason =
      error instanceof EngineError
        ? error
        : new EngineError("internal", "handling what the engine sent failed", { cause: error });
    this.#output.push(numbersFrame(FRAME.GOAWAY, 0, [0, HTTP2_CODE.PROTOCOL_ERROR]));
    this.#output.flush();
    this.#destroy(reason);
  }

  #destroy(reason: Error): void {
    this.#socket.destroy();
    this.#closed(reason);
  }

  #closed(failure: Error | undefined): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#keepAlive.stop();
    this.#output.close();
    const calls = this.#calls.all();
    this.#calls.clear();
    for (const call of calls) {
      call.lost(lossError({ failure, goodbye: this.#goodbye, wasConnected: this.#isConnected }));
    }
    this.#owner.closed(this);
  }
}
