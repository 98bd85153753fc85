import { isJsonObject, parseJsonBytes, writeJson } from "@vllm-router/api";
import { EngineError, type ProxyHead, type ProxySink } from "@vllm-router/engine-client";
import { withPromptTokens } from "./http-legs.ts";
import type { PrefillAnswer } from "./pair-lane.ts";

/** A prefill answer holds one token, and the ids of the prompt's. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** Gathers and reads the answer to a prefill leg. */
export class PrefillAnswerSink implements ProxySink {
  readonly #answered: (answer: PrefillAnswer) => void;
  readonly #parts: Uint8Array[] = [];
  #size = 0;
  #status = 0;
  isOver = false;
  cut: (() => void) | undefined;

  constructor(answered: (answer: PrefillAnswer) => void) {
    this.#answered = answered;
  }

  head({ status }: ProxyHead): void {
    this.#status = status;
  }

  data(bytes: Uint8Array): void {
    this.#size += bytes.length;
    if (this.#size > MAX_ANSWER_BYTES) {
      this.cut?.();
      this.#end({ kind: "failed", error: new EngineError("protocol", "the prefill answer is too long") });
      return;
    }
    this.#parts.push(Uint8Array.from(bytes));
  }

  flush(): void {
    // Everything is read at the end.
  }

  end(): void {
    this.#end(this.#read());
  }

  error(error: EngineError): void {
    this.#end({ kind: "failed", error });
  }

  #end(answer: PrefillAnswer): void {
    if (!this.isOver) {
      this.isOver = true;
      this.#answered(answer);
    }
  }

  #read(): PrefillAnswer {
    const status = this.#status;
    if (status !== 200) {
      if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
        return { kind: "refused" };
      }
      const error = new EngineError("unavailable", `the prefill engine answered ${status}`);
      return { kind: "failed", error };
    }
    try {
      const answer = parseJsonBytes(concatenated(this.#parts, this.#size));
      if (!isJsonObject(answer)) {
        throw new TypeError("no object");
      }
      const told = answer.get("kv_transfer_params");
      const params = isJsonObject(told) ? writeJson(told) : undefined;
      return { kind: "answered", params: withPromptTokens(params, answer), cachedTokens: undefined };
    } catch (cause) {
      return {
        kind: "failed",
        error: new EngineError("protocol", "the prefill engine's answer is no JSON object", { cause }),
      };
    }
  }
}

function concatenated(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
