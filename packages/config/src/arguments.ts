import type { ConfigProblem } from "./config-error.ts";
import type { Setting } from "./describe.ts";
import { mergeDottedJson } from "./dotted-json.ts";
import { didYouMean, nearestName } from "./nearest-name.ts";
import { readValue } from "./read-value.ts";
import type { UnimplementedFlag } from "./unimplemented-flags.ts";

/** Values found on a command line, by path of the setting, with the flag as written. */
export interface ArgumentValues {
  readonly values: ReadonlyMap<string, { readonly value: unknown; readonly name: string }>;
  readonly problems: readonly ConfigProblem[];
}

/** The flags a command line may hold. */
export interface FlagTable {
  readonly settings: readonly Setting[];
  readonly unimplemented: readonly UnimplementedFlag[];
  /** Name of the program for messages. */
  readonly program: string;
}

/**
 * Reads a command line: `--flag value`, `--flag=value`, `--flag a b c` for lists (which also accumulate over
 * occurrences), `--no-flag` for booleans, `--json.key value` for JSON objects; underscores count as dashes and the last
 * of several scalars wins.
 */
export function readArguments(argv: readonly string[], table: FlagTable): ArgumentValues {
  const reader = new ArgumentReader(table);
  let index = 0;
  while (index < argv.length) index = reader.take(argv, index);
  return { values: reader.values, problems: reader.problems };
}

class ArgumentReader {
  readonly values = new Map<string, { value: unknown; name: string }>();
  readonly problems: ConfigProblem[] = [];
  readonly #table: FlagTable;
  readonly #byFlag = new Map<string, Setting>();

  constructor(table: FlagTable) {
    this.#table = table;
    for (const setting of table.settings) {
      if (setting.flag === null) continue;
      for (const name of [setting.flag, ...setting.aliases]) this.#byFlag.set(name, setting);
    }
  }

  /** Reads the argument at `index` with its values and returns the index after them. */
  take(argv: readonly string[], index: number): number {
    const argument = argv[index] ?? "";
    if (!isFlag(argument)) {
      this.#problem(
        "unexpected_argument",
        argument,
        `unexpected argument '${argument}': ${this.#table.program} takes flags only`,
      );
      return index + 1;
    }
    const equals = argument.indexOf("=");
    const written = equals < 0 ? argument : argument.slice(0, equals);
    const inline = equals < 0 ? undefined : argument.slice(equals + 1);
    const [name = "", ...keys] = written.replace(/^-+/, "").split(".");
    const flag = name.replaceAll("_", "-");

    const setting = this.#byFlag.get(flag);
    if (setting !== undefined) {
      if (setting.kind === "boolean") return this.#takeBoolean(setting, { written, inline, index });
      const values = inline === undefined ? valuesAfter(argv, index, setting) : [inline];
      const next = index + 1 + (inline === undefined ? values.length : 0);
      this.#takeValues(setting, { written, values, keys });
      return next;
    }
    const negated = flag.startsWith("no-") ? this.#byFlag.get(flag.slice(3)) : undefined;
    if (negated?.kind === "boolean" && inline === undefined) {
      this.values.set(negated.path, { value: false, name: written });
      return index + 1;
    }
    this.#unknown(flag, written);
    return inline === undefined ? skipValues(argv, index) : index + 1;
  }

  #takeBoolean(
    setting: Setting,
    at: { readonly written: string; readonly inline: string | undefined; readonly index: number },
  ): number {
    const read = readValue(setting, at.inline ?? "true");
    if (read.ok) this.values.set(setting.path, { value: read.value, name: at.written });
    else this.#problem("invalid_value", at.written, `${at.written}: ${read.message}`);
    return at.index + 1;
  }

  #takeValues(
    setting: Setting,
    given: {
      readonly written: string;
      readonly values: readonly string[];
      readonly keys: readonly string[];
    },
  ): void {
    const { written, values, keys } = given;
    const earlier = this.values.get(setting.path)?.value;
    if (setting.kind === "json" && keys.length > 0) {
      const merged = mergeDottedJson(earlier, keys, values[0] ?? "");
      this.values.set(setting.path, { value: merged, name: written });
      return;
    }
    if (values.length === 0 && setting.kind !== "list") {
      this.#problem("missing_value", written, `${written} needs a value (${setting.placeholder})`);
      return;
    }
    if (setting.kind === "list") {
      const items = values.flatMap((value) => {
        const read = readValue(setting, value);
        return read.ok ? (read.value as readonly string[]) : [];
      });
      const before = Array.isArray(earlier) ? (earlier as readonly string[]) : [];
      this.values.set(setting.path, { value: [...before, ...items], name: written });
      return;
    }
    const read = readValue(setting, values[0] ?? "");
    if (read.ok) this.values.set(setting.path, { value: read.value, name: written });
    else this.#problem("invalid_value", written, `${written}: ${read.message}`);
  }

  #unknown(flag: string, written: string): void {
    const bare = flag.replace(/^no-/, "");
    const known = this.#table.unimplemented.find((entry) => entry.flag === flag || entry.flag === bare);
    if (known !== undefined) {
      this.#problem("not_implemented", written, notImplemented(written, known, this.#table));
      return;
    }
    const nearest = nearestName(flag, this.#byFlag.keys());
    const hint = didYouMean(nearest === undefined ? undefined : `--${nearest}`);
    this.#problem("unknown_flag", written, `unknown flag ${written}${hint}`);
  }

  #problem(code: ConfigProblem["code"], name: string, message: string): void {
    this.problems.push({ code, name, message });
  }
}

/** The sentence that stops a start for a known flag without an implementation. */
function notImplemented(
  written: string,
  entry: UnimplementedFlag,
  table: Pick<FlagTable, "program">,
): string {
  return `${written} is not implemented in this version of ${table.program}; ${entry.instead}`;
}

/** Whether an argument is a flag rather than a value: a dash and no number after it. */
export function isFlag(argument: string): boolean {
  return argument.startsWith("-") && argument !== "-" && !/^-\.?\d/.test(argument);
}

function valuesAfter(argv: readonly string[], index: number, setting: Setting): readonly string[] {
  const end = skipValues(argv, index);
  return setting.kind === "list" ? argv.slice(index + 1, end) : argv.slice(index + 1, end).slice(0, 1);
}

function skipValues(argv: readonly string[], index: number): number {
  let end = index + 1;
  while (end < argv.length && !isFlag(argv[end] ?? "")) end++;
  return end;
}
