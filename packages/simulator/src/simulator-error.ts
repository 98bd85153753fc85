/** Why the simulator could not start or stop. */
export type SimulatorErrorCode =
  | "invalid_flag"
  | "unknown_flag"
  | "invalid_model"
  | "invalid_option"
  | "listen_failed";

/** The one error class of this package. Errors of a request travel as gRPC statuses instead. */
export class SimulatorError extends Error {
  readonly code: SimulatorErrorCode;

  constructor(code: SimulatorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SimulatorError";
    this.code = code;
  }
}
