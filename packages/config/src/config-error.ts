/** What can be wrong with a configuration. */
export type ConfigErrorCode =
  | "unknown_flag"
  | "unknown_key"
  | "unexpected_argument"
  | "missing_value"
  | "invalid_value"
  | "not_implemented"
  | "file_unreadable"
  | "file_invalid";

/** One thing that is wrong; `name` is the flag, variable or key as the user wrote it. */
export interface ConfigProblem {
  readonly code: ConfigErrorCode;
  readonly name: string;
  /** A whole sentence that names the flag and says what to do. */
  readonly message: string;
}

/** The configuration cannot be used. `message` is ready for the terminal, one line per problem. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** The code of the first problem. */
  readonly code: ConfigErrorCode;
  /** Every problem found, in the order of the sources read. Never empty. */
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly [ConfigProblem, ...ConfigProblem[]], options?: { readonly cause: unknown }) {
    super(problems.map((problem) => problem.message).join("\n"), options);
    this.code = problems[0].code;
    this.problems = problems;
  }
}

/** Throws a ConfigError when the list holds a problem. */
export function throwIfAny(problems: readonly ConfigProblem[]): void {
  const [first, ...rest] = problems;
  if (first !== undefined) throw new ConfigError([first, ...rest]);
}
