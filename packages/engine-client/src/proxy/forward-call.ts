import type { Dispatcher } from "undici";
import type { GenerateCall, ProxySink } from "../engine.ts";
import { EngineError } from "../engine-error.ts";
import { timerDelay } from "../transport/grpc-timeout.ts";
import type { TurnQueue, TurnTarget } from "../transport/turn-queue.ts";
import { responseHeadersToForward } from "./hop-by-hop.ts";
import { engineErrorFromHttp } from "./http-error.ts";

const CANCELLED = new Error("cancelled");

/** One proxied request: turns the HTTP client's calls into those of the sink, with the rules of {@link ProxySink}. */
export class ForwardCall implements GenerateCall, Dispatcher.DispatchHandler, TurnTarget {
  readonly #sink: ProxySink;
  readonly #turns: TurnQueue;
  #controller: Dispatcher.DispatchController | undefined;
  #deadlineTimer: NodeJS.Timeout | undefined;
  #isOver = false;
  #isPaused = false;
  #isQueued = false;
  #needsFlush = false;
  #hasEnded = false;
  /** Arrived while the sink was paused: one head, and the piece the client had read already. */
  #heldHead: { readonly status: number; readonly headers: readonly string[] } | undefined;
  #heldData: Buffer[] = [];

  constructor(sink: ProxySink, turns: TurnQueue) {
    this.#sink = sink;
    this.#turns = turns;
  }

  /** True after its last call of the sink, and after `cancel()`. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Fails the call at an instant (milliseconds since the epoch). */
  endAt(deadlineAtMs: number): void {
    this.#deadlineTimer = setTimeout(
      () => this.fail(new EngineError("deadline_exceeded", "the engine did not finish before the deadline")),
      timerDelay(deadlineAtMs - Date.now()),
    );
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#settle();
    this.#controller?.abort(CANCELLED);
  }

  pause(): void {
    if (this.#isOver || this.#isPaused) return;
    this.#isPaused = true;
    this.#controller?.pause();
  }

  resume(): void {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    this.#enqueue();
  }

  /** Ends the call with an error of this side. */
  fail(error: EngineError): void {
    if (this.#isOver) return;
    this.#fail(error);
    this.#controller?.abort(CANCELLED);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(CANCELLED);
    else if (this.#isPaused) controller.pause();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    // Interim answers (1xx) are not for the client.
    if (this.#isOver || status < 200) return;
    const head = { status, headers: responseHeadersToForward(rawHeaderText(controller.rawHeaders)) };
    if (this.#isPaused) this.#heldHead = head;
    else this.#guard(() => this.#deliverHead(head));
  }

  onResponseData(_controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (this.#isOver) return;
    if (this.#isPaused || this.#heldData.length > 0) this.#heldData.push(Buffer.from(bytes));
    else this.#guard(() => this.#deliverData(bytes));
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#hasEnded = true;
    if (!this.#isPaused && this.#heldData.length === 0) this.endTurn();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#fail(engineErrorFromHttp(error));
  }

  endTurn(): void {
    this.#isQueued = false;
    this.#guard(() => this.#deliverHeld());
    if (this.#isOver || this.#isPaused) return;
    this.#controller?.resume();
    if (this.#needsFlush) this.#guard(() => this.#flush());
    if (!this.#hasEnded || this.#isOver || this.#isPaused) return;
    this.#settle();
    this.#sink.end();
  }

  #deliverHeld(): void {
    if (this.#isOver || this.#isPaused) return;
    const head = this.#heldHead;
    if (head !== undefined) {
      this.#heldHead = undefined;
      this.#deliverHead(head);
    }
    while (!this.#isOver && !this.#isPaused) {
      const bytes = this.#heldData.shift();
      if (bytes === undefined) return;
      this.#deliverData(bytes);
    }
  }

  #deliverHead(head: { readonly status: number; readonly headers: readonly string[] }): void {
    this.#needsFlush = true;
    this.#enqueue();
    this.#sink.head(head);
  }

  #deliverData(bytes: Buffer): void {
    this.#needsFlush = true;
    this.#enqueue();
    this.#sink.data(bytes);
  }

  #enqueue(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#turns.add(this);
  }

  #flush(): void {
    this.#needsFlush = false;
    this.#sink.flush();
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (cause) {
      this.fail(new EngineError("internal", "the receiver of an engine's answer failed", { cause }));
    }
  }

  #fail(error: EngineError): void {
    if (this.#isOver) return;
    if (this.#needsFlush && !this.#isPaused) this.#guard(() => this.#flush());
    if (this.#isOver) return;
    this.#settle();
    this.#sink.error(error);
  }

  #settle(): void {
    this.#isOver = true;
    this.#heldData = [];
    clearTimeout(this.#deadlineTimer);
  }
}

function rawHeaderText(raw: Dispatcher.DispatchController["rawHeaders"]): string[] {
  if (!Array.isArray(raw)) return [];
  // HTTP/1 header values are bytes; latin1 keeps every one of them.
  return raw.map((part) => (typeof part === "string" ? part : part.toString("latin1")));
}
