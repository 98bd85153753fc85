import type { Socket } from "node:net";
import type { Answer } from "../answer.ts";
import type { IncomingRequest } from "../incoming-request.ts";
import { isUpgrade } from "../is-upgrade.ts";
import { type Persistence, statusLine } from "./answer-head.ts";
import type { HeadLimits } from "./head-reader.ts";
import { type AnswerCarrier, NetAnswer } from "./net-answer.ts";
import { type BodySource, NetRequest } from "./net-request.ts";
import { BadRequestError, type RequestHead } from "./request-head.ts";
import { RequestReader } from "./request-reader.ts";
import { SocketWriter } from "./socket-writer.ts";

/** How long a connection may take over what. */
export interface ConnectionTimes {
  /** From the first byte of a request, or the connection's beginning, to the end of the head. */
  readonly headMs: number;
  /** The same to the end of the body. */
  readonly requestMs: number;
  /** Between two requests. */
  readonly keepAliveMs: number;
}

/** What a connection belongs to. */
export interface ConnectionOwner {
  readonly limits: HeadLimits;
  readonly times: ConnectionTimes;
  /** No further requests are taken. */
  readonly isClosing: boolean;
  steadyMs(): number;
  request(request: IncomingRequest, answer: Answer): void;
  /** The answer of a request that was told has ended, whatever became of it. */
  requestEnded(): void;
  /** Once, last. */
  closed(connection: NetConnection): void;
}

/** A client that trusts the time it was told may send its next request up to the last instant of it. */
const GRACE_MS = 1_000;
/** Bytes of later requests that are held while an answer is on its way; then the client is held back. */
const MAX_HELD_BYTES = 64 * 1024;

/**
 * The server's side of one HTTP/1.1 connection. Requests are served one after the other: what a client sends ahead is
 * held, within a bound, until the answer before it has ended.
 */
export class NetConnection implements AnswerCarrier, BodySource {
  readonly socket: Socket;
  readonly writer: SocketWriter;
  /** Where the owner keeps it; the owner's. */
  place = 0;
  readonly #owner: ConnectionOwner;
  readonly #reader: RequestReader;
  #request: NetRequest | undefined;
  #answer: NetAnswer | undefined;
  #keepsAlive = true;
  #isWaitedFor = false;
  #isBodyPaused = false;
  /** Later requests, not looked at yet. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isReading = false;
  #isClosed = false;
  /** The socket speaks another protocol. */
  #isReleased = false;
  /** When patience ends; infinite while the router itself is at work. */
  #deadlineAtMs: number;
  #requestSinceMs = 0;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.socket = socket;
    this.writer = new SocketWriter(socket);
    this.#owner = owner;
    this.#reader = new RequestReader(owner.limits, {
      head: (head) => this.#begin(head),
      piece: (bytes) => this.#request?.piece(bytes),
      end: () => this.#received(),
    });
    this.#deadlineAtMs = owner.steadyMs() + owner.times.headMs;
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("drain", this.#onDrain);
    // A reset by the client; `close` follows.
    socket.on("error", () => undefined);
    socket.once("close", () => this.#closed());
  }

  persistence(): Persistence {
    this.#keepsAlive &&= !this.#owner.isClosing;
    return this.#keepsAlive ? { keepAliveSecs: this.#owner.times.keepAliveMs / 1000 } : "close";
  }

  /** True while a request is being received or answered. */
  get isBusy(): boolean {
    return this.#answer !== undefined || !this.#reader.isAtStart;
  }

  /** Ends a connection whose client took too long. */
  checkDeadline(nowMs: number): void {
    if (nowMs < this.#deadlineAtMs || this.#isReleased) {
      return;
    }
    if (this.socket.writableEnded) {
      // It was told the last word, and does not go.
      this.writer.destroy();
    } else if (this.isBusy) {
      this.#refuse(408);
    } else {
      this.writer.close();
    }
  }

  /** No further request is to come: an idle connection is closed now, another one after its answer. */
  beginClosing(): void {
    if (!this.isBusy) {
      this.writer.close();
    }
  }

  /** Cuts the connection, whatever runs on it. */
  destroy(): void {
    this.writer.destroy();
  }

  readonly answerWritten = (error?: Error | null): void => {
    const answer = this.#answer;
    if (answer !== undefined && (error ?? undefined) === undefined && !this.#isClosed) {
      this.#answer = undefined;
      answer.sent();
      this.#owner.requestEnded();
      this.#goOn();
    }
  };

  release(answer: NetAnswer): Socket {
    const { socket } = this;
    this.#isReleased = true;
    this.writer.release();
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("drain", this.#onDrain);
    socket.pause();
    const first = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    if (first.length > 0) {
      socket.unshift(first);
    }
    socket.setNoDelay(true);
    this.#answer = answer;
    return socket;
  }

  pauseBody(request: NetRequest): void {
    if (request === this.#request && !this.#isBodyPaused) {
      this.#isBodyPaused = true;
      this.socket.pause();
    }
  }

  resumeBody(request: NetRequest): void {
    if (request === this.#request && this.#isBodyPaused) {
      this.#isBodyPaused = false;
      this.#resume();
    }
  }

  bodyWanted(request: NetRequest): void {
    if (request === this.#request && this.#isWaitedFor && this.#answer?.hasHead === false) {
      this.#isWaitedFor = false;
      this.writer.write(`${statusLine(100)}\r\n`, "latin1");
    }
  }

  readonly #onData = (bytes: Buffer): void => {
    if (this.#isReading || this.#reader.isDone || this.#heldBytes > 0) {
      this.#hold(bytes);
      return;
    }
    this.#read(bytes);
  };

  /** The client will send no more: it is taken to have left, as vLLM's server does. */
  readonly #onEnd = (): void => {
    this.#leave();
    this.writer.close();
  };

  readonly #onDrain = (): void => {
    this.#answer?.drained();
  };

  #read(bytes: Buffer): void {
    // A request that takes more than one read is a long one, however few bytes are its last.
    this.writer.beforeRead(this.#reader.isAtStart ? bytes.length : Number.POSITIVE_INFINITY);
    if (this.#reader.isAtStart) {
      const nowMs = this.#owner.steadyMs();
      this.#requestSinceMs = nowMs;
      this.#deadlineAtMs = nowMs + this.#owner.times.headMs;
    }
    this.#isReading = true;
    let end: number;
    try {
      end = this.#reader.push(bytes, 0);
    } catch (error) {
      if (!(error instanceof BadRequestError)) {
        // A bug of ours: nobody may take it for an answer.
        this.writer.destroy();
        throw error;
      }
      this.#refuse(error.status);
      return;
    } finally {
      this.#isReading = false;
    }
    if (end < bytes.length && !this.#isClosed) {
      const rest = bytes.subarray(end);
      if (this.#isReleased) {
        this.socket.unshift(rest);
      } else {
        this.#hold(rest);
      }
    }
  }

  #hold(bytes: Buffer): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > MAX_HELD_BYTES) {
      this.socket.pause();
    }
  }

  #begin(head: RequestHead): void {
    const { socket } = this;
    if (head.method === "CONNECT") {
      throw new BadRequestError(400, "this is no proxy");
    }
    this.#keepsAlive = head.keepsAlive && !this.#owner.isClosing;
    this.#isWaitedFor = head.expectsContinue && head.lengthBytes !== 0;
    this.#deadlineAtMs = this.#requestSinceMs + this.#owner.times.requestMs;
    const request = new NetRequest(head, socket, this);
    const answer = new NetAnswer(this, head);
    this.#request = request;
    this.#answer = answer;
    if (head.asksUpgrade && isUpgrade(head.method, head.header("upgrade"))) {
      this.#keepsAlive = false;
    }
    this.#owner.request(request, answer);
  }

  /** The request is complete: from here on the client may take its time. */
  #received(): void {
    this.#deadlineAtMs = Number.POSITIVE_INFINITY;
    this.#request?.end();
  }

  /** The answer is out: the next request, unless the connection has come to its end. */
  #goOn(): void {
    // A client that still waits for a word may or may not send its body: what came next could not be told from it.
    if (!this.#keepsAlive || this.#owner.isClosing || this.#isWaitedFor) {
      this.#request?.discard();
      this.writer.close();
    } else if (this.#reader.isDone) {
      this.#next();
    } else {
      // What is left of its body is thrown away.
      this.#request?.discard();
      this.#whenReceived();
    }
  }

  /** Goes on when the rest of a request has come whose answer has ended already. */
  #whenReceived(): void {
    const request = this.#request;
    request?.receive({
      piece: () => undefined,
      end: () => process.nextTick(() => this.#next()),
      broken: () => undefined,
    });
  }

  #next(): void {
    if (this.#isClosed || this.#isReleased) {
      return;
    }
    this.#request = undefined;
    this.#reader.next();
    this.#deadlineAtMs = this.#owner.steadyMs() + this.#owner.times.keepAliveMs + GRACE_MS;
    if (this.#heldBytes > 0) {
      this.#readHeld();
    }
    if (this.#owner.isClosing && !this.isBusy) {
      this.writer.close();
    }
  }

  #readHeld(): void {
    const bytes = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#resume();
    this.#read(bytes);
  }

  #resume(): void {
    if (!this.#isBodyPaused && this.#heldBytes <= MAX_HELD_BYTES && !this.#isClosed) {
      this.socket.resume();
    }
  }

  /** Answers what is no HTTP, unless an answer has begun already, and closes the connection. */
  #refuse(status: number): void {
    const { socket } = this;
    const isBegun = this.#answer?.hasHead === true;
    this.#leave();
    if (isBegun || this.#isClosed) {
      this.writer.destroy();
      return;
    }
    socket.off("data", this.#onData);
    socket.resume();
    this.writer.write(`${statusLine(status)}Connection: close\r\n\r\n`, "latin1");
    this.writer.close();
  }

  /** Nobody is there for the answer any more. */
  #leave(): void {
    const request = this.#request;
    const answer = this.#answer;
    this.#request = undefined;
    this.#answer = undefined;
    this.#deadlineAtMs = this.#owner.steadyMs() + this.#owner.times.keepAliveMs;
    request?.break();
    if (answer !== undefined) {
      if (this.#isReleased) {
        answer.released();
      } else {
        answer.gone();
      }
      this.#owner.requestEnded();
    }
  }

  #closed(): void {
    this.#isClosed = true;
    this.#leave();
    this.#held = [];
    this.#heldBytes = 0;
    this.#owner.closed(this);
  }
}
