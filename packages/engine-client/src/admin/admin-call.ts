import { type CallOptions, type ClientUnaryCall, Metadata } from "@grpc/grpc-js";
import type { UnaryCallback } from "@vllm-router/proto/services";
import { EngineError } from "../engine-error.ts";
import { engineErrorFromGrpcJs } from "../transport/grpc-js-transport.ts";

/** How long an administrative call may take. */
export interface AdminCallOptions {
  /** Instant (milliseconds since the epoch) after which the call fails with `deadline_exceeded`; default 10 s from now. */
  readonly deadlineAtMs?: number;
  /** Cancels the call, which then fails with `cancelled`. */
  readonly signal?: AbortSignal;
  /** Sent with the call, such as `traceparent`; lower-case names. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** The instant a call has to be over. */
export function deadlineOf(options: AdminCallOptions, defaultTimeoutMs: number = DEFAULT_TIMEOUT_MS): number {
  return options.deadlineAtMs ?? Date.now() + defaultTimeoutMs;
}

/** The error of a call that its caller gave up. */
export function cancelledError(): EngineError {
  return new EngineError("cancelled", "the call was cancelled");
}

/** Starts a unary call of a client. */
export type UnaryStart<TResponse> = (
  metadata: Metadata,
  options: CallOptions,
  callback: UnaryCallback<TResponse>,
) => ClientUnaryCall;

/** A unary call as a promise; rejects with an EngineError. */
export async function callUnary<TResponse>(
  start: UnaryStart<TResponse>,
  options: AdminCallOptions,
): Promise<TResponse> {
  const { signal } = options;
  if (signal?.aborted === true) throw cancelledError();
  return new Promise((resolve, reject) => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
    const call = start(metadata, { deadline: deadlineOf(options) }, (error, response) => {
      signal?.removeEventListener("abort", cancel);
      if (signal?.aborted === true) reject(cancelledError());
      else if (error !== null) reject(engineErrorFromGrpcJs(error));
      else if (response === undefined) reject(new EngineError("protocol", "the engine sent no answer"));
      else resolve(response);
    });
    function cancel(): void {
      call.cancel();
    }
    signal?.addEventListener("abort", cancel, { once: true });
  });
}
