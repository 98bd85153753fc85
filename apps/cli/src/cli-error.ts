/** Why a command cannot be carried out. */
export type CliErrorCode =
  | "invalid_flag"
  | "not_implemented"
  | "engine_missing"
  | "engine_without_grpc"
  | "program_missing"
  | "port_in_use";

/** The command line or the machine is not what the command needs. `message` is ready for the terminal. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
