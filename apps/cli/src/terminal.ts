import type { Environment, ReadFile } from "@vllm-router/config";

/** The process around the program, handed in by main. */
export interface Terminal {
  readonly environment: Environment;
  readonly readFile: ReadFile;
  /** Prints to standard output; a line end is added. */
  out(text: string): void;
  /** Prints to standard error; a line end is added. */
  error(text: string): void;
  /** Columns, when it is a terminal. */
  readonly width: number | undefined;
}

/** How the user starts this program, for messages that show a command. */
export function ownCommand(environment: Environment): string {
  return environment["npm_lifecycle_event"] === "start" ? "npm start --" : "vllm-serve";
}
