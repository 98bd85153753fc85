import type { GenerateCall, GenerateSink, SequenceFinish } from "../engine.ts";
import { EngineError } from "../engine-error.ts";
import type { StreamCall, StreamReceiver } from "../transport/stream-transport.ts";
import type { TurnQueue, TurnTarget } from "../transport/turn-queue.ts";
import type { MessageDecoder, MessageKind } from "./message-decoder.ts";

/** What has come of a sequence. */
type Progress = typeof NOTHING | typeof HAD_CHUNK | typeof FINISHED;
const NOTHING = 0;
const HAD_CHUNK = 1;
const FINISHED = 2;

/** What a stream works with. */
export interface StreamSetting {
  readonly decoder: MessageDecoder;
  readonly turns: TurnQueue;
}

/**
 * One Generate call: turns the engine's messages into calls of the sink, in the order and with the silence that
 * {@link GenerateSink} promises. What a message is, its dialect's decoder says.
 */
export class GenerateStream implements GenerateCall, StreamReceiver, TurnTarget {
  readonly #setting: StreamSetting;
  readonly #sink: GenerateSink;
  readonly #sequences: number;
  /** Progress of the first sequence, which is the only one nearly always: an array would be further memory to be fetched. */
  #firstProgress: Progress = NOTHING;
  /** Progress of the others by their index less one. A plain array: a typed one of one byte takes six times as much. */
  readonly #otherProgress: Progress[] | undefined;
  #unfinished: number;
  #call: StreamCall | undefined;
  /** A finish that came with an output during which the sink paused. */
  #heldFinish: { readonly index: number; readonly finish: SequenceFinish } | undefined;
  #isOver = false;
  #isPaused = false;
  #isQueued = false;
  #needsFlush = false;
  #hasEnded = false;

  /** `sequences` is the number of sequences asked for. */
  constructor(setting: StreamSetting, sink: GenerateSink, sequences: number) {
    this.#setting = setting;
    this.#sink = sink;
    this.#unfinished = sequences;
    this.#sequences = sequences;
    this.#otherProgress = sequences === 1 ? undefined : Array.from({ length: sequences - 1 }, () => NOTHING);
  }

  /** Hands over the transport's side of the call. */
  attach(call: StreamCall): void {
    this.#call = call;
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#call?.cancel();
  }

  pause(): void {
    if (this.#isOver || this.#isPaused) return;
    this.#isPaused = true;
    this.#call?.pause();
  }

  resume(): void {
    if (this.#isOver || !this.#isPaused) return;
    this.#isPaused = false;
    this.#call?.resume();
    if (this.#needsFlush || this.#hasEnded) this.#enqueue();
  }

  message(bytes: Buffer, start: number, end: number): void {
    if (this.#isOver) return;
    try {
      if (this.#heldFinish !== undefined) this.#deliverHeldFinish();
      const { decoder } = this.#setting;
      const kind = decoder.decode(bytes, start, end);
      if (kind === "none") return;
      this.#deliver(kind, decoder);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Output that nothing else of the read follows goes on at once, while what belongs to the call is near. */
  settle(): void {
    if (this.#isQueued && this.#setting.turns.takeBack(this)) this.endTurn();
  }

  end(): void {
    if (this.#isOver) return;
    if (this.#unfinished > 0) {
      this.error(new EngineError("protocol", "the engine ended the call before every sequence was finished"));
      return;
    }
    this.#hasEnded = true;
    if (!this.#isPaused) this.endTurn();
  }

  error(error: EngineError): void {
    if (this.#isOver) return;
    if (this.#needsFlush && !this.#isPaused) this.#guard(this.#flush);
    // The sink may have cancelled in flush.
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink.error(error);
  }

  endTurn(): void {
    this.#isQueued = false;
    if (this.#isOver || this.#isPaused) return;
    if (this.#heldFinish !== undefined) this.#guard(this.#deliverHeldFinish);
    if (this.#needsFlush && !this.#isOver && !this.#isPaused) this.#guard(this.#flush);
    if (!this.#hasEnded || this.#isOver || this.#isPaused) return;
    this.#isOver = true;
    this.#sink.end();
  }

  #deliver(kind: Exclude<MessageKind, "none">, decoder: MessageDecoder): void {
    const { output, finish } = decoder;
    const { index } = output;
    if (index >= this.#sequences) {
      throw new EngineError("protocol", `the engine sent sequence ${index} of ${this.#sequences}`);
    }
    const progress = index === 0 ? this.#firstProgress : this.#otherProgress?.[index - 1];
    if (progress === FINISHED) {
      throw new EngineError("protocol", `the engine sent output of sequence ${index} after its end`);
    }
    this.#needsFlush = true;
    this.#enqueue();
    if (kind === "chunk") {
      if (progress === NOTHING) this.#setProgress(index, HAD_CHUNK);
      this.#sink.output(output);
      return;
    }
    this.#setProgress(index, FINISHED);
    this.#unfinished--;
    const isOutput = progress === NOTHING || (kind === "last" && output.tokenCount > 0);
    if (isOutput) {
      this.#sink.output(output);
      if (this.#isOver) return;
      if (this.#isPaused) {
        const { reason, matchedStop, kvTransferParams } = finish;
        this.#heldFinish = { index, finish: { reason, matchedStop, kvTransferParams } };
        return;
      }
    }
    this.#sink.finish(index, finish);
  }

  #setProgress(index: number, progress: Progress): void {
    if (index === 0) this.#firstProgress = progress;
    else if (this.#otherProgress !== undefined) this.#otherProgress[index - 1] = progress;
  }

  #enqueue(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#setting.turns.add(this);
  }

  readonly #deliverHeldFinish = (): void => {
    const held = this.#heldFinish;
    if (held === undefined) return;
    this.#heldFinish = undefined;
    this.#sink.finish(held.index, held.finish);
  };

  readonly #flush = (): void => {
    this.#needsFlush = false;
    this.#sink.flush(this.#hasEnded);
  };

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Ends the call for a reason found on this side; an exception of the sink must not take other calls down. */
  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#call?.cancel();
    this.error(
      error instanceof EngineError
        ? error
        : new EngineError("internal", "the receiver of an engine's output failed", { cause: error }),
    );
  }
}
