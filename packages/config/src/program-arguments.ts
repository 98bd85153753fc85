import { isFlag } from "./arguments.ts";
import type { ConfigProblem } from "./config-error.ts";

/**
 * Takes `--name VALUE` or `--name=VALUE` out of a command line; the last one wins.
 * @param name without dashes
 */
export function takeOption(
  argv: readonly string[],
  name: string,
): {
  readonly value: string | undefined;
  readonly rest: readonly string[];
  readonly problems: readonly ConfigProblem[];
} {
  const rest: string[] = [];
  const problems: ConfigProblem[] = [];
  let value: string | undefined;
  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index] ?? "";
    const next = argv[index + 1];
    if (argument.startsWith(`--${name}=`)) {
      value = argument.slice(name.length + 3);
    } else if (argument === `--${name}` && next !== undefined && !isFlag(next)) {
      value = next;
      index++;
    } else if (argument === `--${name}`) {
      problems.push({ code: "missing_value", name: argument, message: `${argument} needs a value` });
    } else {
      rest.push(argument);
    }
  }
  return { value, rest, problems };
}

/** What a command line of the router asks for. */
export type RouterCommand =
  | { readonly kind: "serve" | "help" | "version"; readonly argv: readonly string[] }
  /** `argv` holds the file and the options of `replay`. */
  | { readonly kind: "replay"; readonly argv: readonly string[] }
  | { readonly kind: "check-config"; readonly explain: boolean; readonly argv: readonly string[] };

/**
 * Tells `--help`/`-h`, `--version`/`-V`, `check-config [--explain]` and `replay FILE` from an ordinary start. `argv` of
 * the answer is what is left for `parseRouterConfig`.
 */
export function readRouterCommand(argv: readonly string[]): RouterCommand {
  if (argv.includes("--help") || argv.includes("-h")) return { kind: "help", argv: [] };
  if (argv.includes("--version") || argv.includes("-V")) return { kind: "version", argv: [] };
  if (argv[0] === "check-config") {
    return {
      kind: "check-config",
      explain: argv.includes("--explain"),
      argv: argv.slice(1).filter((argument) => argument !== "--explain"),
    };
  }
  if (argv[0] === "replay") return { kind: "replay", argv: argv.slice(1) };
  return { kind: "serve", argv };
}
