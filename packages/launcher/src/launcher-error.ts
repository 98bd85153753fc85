/** What can go wrong with a child process. */
export type LauncherErrorCode =
  | "program_missing"
  | "spawn_failed"
  | "exited_early"
  | "not_ready_in_time"
  | "port_in_use"
  | "stopped";

/** A process could not be started, or is not what it should be. */
export class LauncherError extends Error {
  override readonly name = "LauncherError";
  readonly code: LauncherErrorCode;

  constructor(code: LauncherErrorCode, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}
