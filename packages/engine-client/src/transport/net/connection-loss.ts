import { EngineError } from "../../engine-error.ts";

/** What is known about the end of a connection. */
export interface ConnectionLoss {
  /** What failed; undefined when the peer ended the connection in good order. */
  readonly failure: Error | undefined;
  /** Last words of the engine; empty when it had none. */
  readonly goodbye: string;
  /** False when there never was a connection, so that nothing can have reached the engine. */
  readonly wasConnected: boolean;
}

/** The error of a call that ended with its connection. */
export function lossError(loss: ConnectionLoss): EngineError {
  const { failure, goodbye, wasConnected } = loss;
  if (failure instanceof EngineError)
    return new EngineError(failure.code, failure.message, { cause: failure.cause });
  const what = wasConnected ? "the connection to the engine was lost" : "the engine cannot be reached";
  const reasons = [what, goodbye, failure === undefined ? "" : messageOf(failure)];
  return new EngineError("unavailable", reasons.filter((reason) => reason !== "").join(": "), {
    cause: failure,
    notStarted: !wasConnected,
  });
}

/** A host with several addresses fails with several errors and no message of its own. */
function messageOf(error: Error): string {
  return error instanceof AggregateError && error.message === ""
    ? error.errors.map((each: unknown) => (each instanceof Error ? each.message : String(each))).join("; ")
    : error.message;
}
