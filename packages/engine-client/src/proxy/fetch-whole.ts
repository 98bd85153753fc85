import type { GenerateCall, ProxyEngine, ProxyHead, ProxySink } from "../engine.ts";
import { cancelledError } from "../admin/admin-call.ts";
import { EngineError } from "../engine-error.ts";

/** What is asked of an engine's HTTP server. */
export interface WholeRequest {
  readonly path: string;
  /** Name, value, name, value …. */
  readonly headers: readonly string[];
  readonly deadlineAtMs: number;
  readonly signal: AbortSignal | undefined;
  /** Longest answer that is taken. */
  readonly maxBytes: number;
}

/** An answer with all of its body. */
export interface WholeAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** Sends a GET and resolves with the whole answer. Rejects with an EngineError. */
export async function fetchWhole(
  engine: Pick<ProxyEngine, "forward">,
  request: WholeRequest,
): Promise<WholeAnswer> {
  const { path, headers, deadlineAtMs, signal } = request;
  if (signal?.aborted === true) throw cancelledError();
  return new Promise((resolve, reject) => {
    const sink = new GatheringSink(request, (outcome) => {
      signal?.removeEventListener("abort", cancel);
      call.cancel();
      if (outcome instanceof EngineError) reject(outcome);
      else resolve(outcome);
    });
    const call: GenerateCall = engine.forward(
      { method: "GET", path, headers, body: undefined, deadlineAtMs },
      sink,
    );
    function cancel(): void {
      sink.error(cancelledError());
    }
    signal?.addEventListener("abort", cancel, { once: true });
  });
}

/** Gathers an answer and tells it once. */
class GatheringSink implements ProxySink {
  readonly #request: WholeRequest;
  readonly #tell: (outcome: WholeAnswer | EngineError) => void;
  readonly #pieces: Buffer[] = [];
  #sizeBytes = 0;
  #status = 0;
  #isOver = false;

  constructor(request: WholeRequest, tell: (outcome: WholeAnswer | EngineError) => void) {
    this.#request = request;
    this.#tell = tell;
  }

  head({ status }: ProxyHead): void {
    this.#status = status;
  }

  data(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#sizeBytes += bytes.length;
    const { maxBytes, path } = this.#request;
    if (this.#sizeBytes > maxBytes)
      this.#end(new EngineError("protocol", `the engine's ${path} is too large`));
    else this.#pieces.push(Buffer.from(bytes));
  }

  flush(): void {
    // Nothing is passed on before the end.
  }

  end(): void {
    this.#end({ status: this.#status, body: Buffer.concat(this.#pieces, this.#sizeBytes) });
  }

  error(error: EngineError): void {
    this.#end(error);
  }

  #end(outcome: WholeAnswer | EngineError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#pieces.length = 0;
    this.#tell(outcome);
  }
}
