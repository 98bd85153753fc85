import { isFlag } from "./arguments.ts";
import { vllmFlagOwner, type VllmFlagOwner } from "./vllm-flag-owners.ts";
import type { FlagArity, VllmFlag } from "./vllm-flag.ts";
import { vllmFlags } from "./vllm-flags.generated.ts";

/** A flag of the program itself, beside vLLM's. */
export interface OwnFlag {
  /** Name without dashes. */
  readonly name: string;
  readonly arity: FlagArity;
}

/** One flag as it stands on a command line of `vllm-serve`. */
export interface FlagOccurrence {
  /** Full name without dashes and dotted keys: `kv-transfer-config`, for short forms too. */
  readonly name: string;
  /** As the user wrote it, without its value: `--kv_transfer_config.kv_role`. */
  readonly written: string;
  /** Whether it is one of the program's own flags, one of vLLM's, or neither. */
  readonly known: "own" | "vllm" | "unknown";
  /** Who honours a vLLM flag; engine for an unknown one. */
  readonly owner: VllmFlagOwner;
  /** `--no-x`. */
  readonly negated: boolean;
  /** Keys of a dotted JSON flag, with the leading dot; empty otherwise. */
  readonly keys: string;
  readonly values: readonly string[];
  /** The arguments exactly as given. */
  readonly tokens: readonly string[];
}

/** A command line taken apart. */
export interface SplitArguments {
  readonly flags: readonly FlagOccurrence[];
  /** What is no flag and no value of one: the model. */
  readonly positionals: readonly string[];
}

/**
 * Takes a command line of `vllm serve`, extended by the program's own flags, apart. Known flags take as many values as
 * vLLM's parser gives them, unknown ones all arguments up to the next flag. Underscores, `--x=v`, short forms, dotted
 * JSON keys and unambiguous abbreviations are understood as vLLM does.
 */
export function splitVllmArguments(argv: readonly string[], ownFlags: readonly OwnFlag[]): SplitArguments {
  const own = new Map(ownFlags.map((flag) => [flag.name, flag]));
  const flags: FlagOccurrence[] = [];
  const positionals: string[] = [];
  let index = 0;
  while (index < argv.length) {
    const argument = argv[index] ?? "";
    if (argument === "--") {
      positionals.push(...argv.slice(index + 1));
      break;
    }
    if (!isFlag(argument)) {
      positionals.push(argument);
      index++;
      continue;
    }
    const flag = readFlag(argv, index, own);
    flags.push(flag);
    index += flag.tokens.length;
  }
  return { flags, positionals };
}

function readFlag(argv: readonly string[], index: number, own: ReadonlyMap<string, OwnFlag>): FlagOccurrence {
  const argument = argv[index] ?? "";
  const equals = argument.indexOf("=");
  const written = equals < 0 ? argument : argument.slice(0, equals);
  const { name, keys, negated, known, arity } = identify(written, own);
  const inline = equals < 0 ? [] : [argument.slice(equals + 1)];
  const attached = equals < 0 && /^-O.+/.test(written);
  const values = equals < 0 && !attached ? valuesAfter(argv, index, arity) : inline;
  return {
    name,
    written,
    known,
    owner: vllmFlagOwner(name),
    negated,
    keys,
    values,
    tokens: [argument, ...(equals < 0 && !attached ? values : [])],
  };
}

interface Identity {
  readonly name: string;
  readonly keys: string;
  readonly negated: boolean;
  readonly known: FlagOccurrence["known"];
  readonly arity: FlagArity | "unknown";
}

const byName = new Map<string, VllmFlag>();
const byShort = new Map<string, VllmFlag>();
for (const flag of vllmFlags) {
  for (const name of [flag.name, ...(flag.aliases ?? [])]) byName.set(name, flag);
  for (const short of flag.short ?? []) byShort.set(short, flag);
}

function identify(written: string, own: ReadonlyMap<string, OwnFlag>): Identity {
  const dot = written.indexOf(".");
  const head = dot < 0 ? written : written.slice(0, dot);
  const keys = dot < 0 ? "" : written.slice(dot);
  const plain = { keys, negated: false };
  if (written.startsWith("-O")) {
    return { ...plain, name: "optimization-level", known: "vllm", arity: "one" };
  }
  const short = byShort.get(head);
  if (short !== undefined) {
    return { ...plain, name: short.name, known: "vllm", arity: short.arity };
  }
  const name = head.replace(/^--?/, "").replaceAll("_", "-");
  const mine = own.get(name);
  if (mine !== undefined) return { ...plain, name, known: "own", arity: mine.arity };
  const positive = byName.get(name) ?? abbreviated(name);
  if (positive !== undefined) {
    return { ...plain, name: positive.name, known: "vllm", arity: positive.arity };
  }
  const bare = name.startsWith("no-") ? name.slice(3) : undefined;
  if (bare !== undefined && own.get(bare)?.arity === "boolean") {
    return { name: bare, keys, negated: true, known: "own", arity: "boolean" };
  }
  const switched = bare === undefined ? undefined : (byName.get(bare) ?? abbreviated(bare));
  if (switched?.arity === "boolean") {
    return { name: switched.name, keys, negated: true, known: "vllm", arity: "boolean" };
  }
  return { ...plain, name, known: "unknown", arity: "unknown" };
}

/** The one flag that begins with the name, as argparse takes abbreviations. */
function abbreviated(name: string): VllmFlag | undefined {
  const candidates = vllmFlags.filter((flag) => flag.name.startsWith(name));
  return candidates.length === 1 ? candidates[0] : undefined;
}

function valuesAfter(
  argv: readonly string[],
  index: number,
  arity: FlagArity | "unknown",
): readonly string[] {
  if (arity === "boolean") return [];
  let end = index + 1;
  while (end < argv.length && !isFlag(argv[end] ?? "")) end++;
  const following = argv.slice(index + 1, end);
  return arity === "several" || arity === "unknown" ? following : following.slice(0, 1);
}
