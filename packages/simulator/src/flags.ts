import { readFault } from "./fault-flags.ts";
import { type Flag, flagTable } from "./flag-table.ts";
import { SimulatorError } from "./simulator-error.ts";
import type { FaultOptions, SimulatorOptions, SimulatorProtocol } from "./simulator-options.ts";

/** Lines below this level are not printed. */
export type LogLevel = "info" | "warn" | "error";

/** What a command line asks for. */
export interface CommandLine {
  readonly options: SimulatorOptions;
  readonly wantsHelp: boolean;
  readonly logLevel: LogLevel;
  /** Flags passed over because of `--ignore-unknown-flags`, with their values. */
  readonly ignored: readonly string[];
}

type Key = keyof typeof flagTable;
type Values = Partial<Record<Key, string[]>>;

const keysByName = new Map<string, Key>(
  Object.entries<Flag>(flagTable).flatMap(([key, flag]) => flag.names.map((name) => [name, key as Key])),
);
keysByName.set("-dp", "dataParallelSize");
const isFlag = (argument: string): boolean => /^-(?!\d|$)/.test(argument);

/**
 * Reads the program's arguments. `--flag value`, `--flag=value` and underscores for dashes, as vLLM takes them.
 * @throws SimulatorError unknown_flag, invalid_flag
 */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const { values, unknown, positional } = collect(argv);
  if (unknown.length > 0 && values.ignoreUnknown === undefined) {
    throw new SimulatorError(
      "unknown_flag",
      `vllm-simulator has no ${unknown.join(", ")}; see --help (--ignore-unknown-flags passes over them)`,
    );
  }
  if (positional.length > 1 || (positional.length === 1 && values.model !== undefined)) {
    throw new SimulatorError("invalid_flag", `unexpected argument ${positional.at(-1)}`);
  }
  return {
    options: readOptions(positional.length === 0 ? values : { ...values, model: positional }),
    wantsHelp: values.help !== undefined,
    logLevel: readLevel(values.logLevel?.at(-1) ?? "info"),
    ignored: unknown,
  };
}

function collect(argv: readonly string[]): { values: Values; unknown: string[]; positional: string[] } {
  const values: Values = {};
  const unknown: string[] = [];
  const positional: string[] = [];
  for (let index = 0; index < argv.length;) {
    const argument = argv[index++] ?? "";
    if (!isFlag(argument)) {
      positional.push(argument);
      continue;
    }
    const equals = argument.indexOf("=");
    const written = equals < 0 ? argument : argument.slice(0, equals);
    const key = keysByName.get(written.replace(/^--/, "").replaceAll("_", "-"));
    const following: string[] = equals < 0 ? [] : [argument.slice(equals + 1)];
    const takes = key === undefined ? Infinity : valuesTaken(flagTable[key].kind);
    while (equals < 0 && following.length < takes && index < argv.length && !isFlag(argv[index] ?? "")) {
      following.push(argv[index++] ?? "");
    }
    if (key === undefined) unknown.push([argument, ...(equals < 0 ? following : [])].join(" "));
    else if (following.length === 0 && takes > 0) {
      throw new SimulatorError("invalid_flag", `${written} needs a value`);
    } else {
      const isRepeatable = flagTable[key].kind === "fault";
      values[key] = [...(isRepeatable ? (values[key] ?? []) : []), ...following];
    }
  }
  return { values, unknown, positional };
}

function valuesTaken(kind: Flag["kind"]): number {
  if (kind === "texts") return Infinity;
  return kind === "switch" ? 0 : 1;
}

function readOptions(values: Values): SimulatorOptions {
  const numbers: Record<string, number> = {};
  for (const [key, flag] of Object.entries<Flag>(flagTable)) {
    const text = values[key as Key]?.at(-1);
    // vLLM's ways to say: as long as the model allows.
    if (key === "maxModelLen" && (text === "auto" || text === "-1")) continue;
    if (text !== undefined && (flag.kind === "count" || flag.kind === "number")) {
      numbers[key] = readNumber(flag, text);
    }
  }
  const protocol = values.protocol?.at(-1);
  const host = values.host?.at(-1);
  const modelPath = values.model?.at(-1);
  const faults: FaultOptions = Object.assign({}, ...(values.faults ?? []).map(readFault));
  return {
    ...numbers,
    ...(protocol === undefined ? {} : { protocol: readProtocol(protocol) }),
    ...(host === undefined ? {} : { host }),
    ...(modelPath === undefined ? {} : { modelPath }),
    ...(values.servedModelNames === undefined ? {} : { servedModelNames: values.servedModelNames }),
    promptTokensDetails: values.promptTokensDetails !== undefined,
    kvEvents: values.noKvEvents === undefined,
    ...readKvEventsConfig(values.kvEventsConfig?.at(-1)),
    faults,
  };
}

/** vLLM's JSON. Its high-water marks have nothing to bound here. */
function readKvEventsConfig(text: string | undefined): Pick<SimulatorOptions, "kvEventsConfig"> {
  if (text === undefined) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== "object" || parsed === null) {
    throw new SimulatorError("invalid_flag", `--kv-events-config ${text}: needs a JSON object`);
  }
  const config = new Map(Object.entries(parsed));
  if (config.get("enable_kv_cache_events") !== true || config.get("publisher") === "null") return {};
  const name = (key: string): string | undefined => {
    const value: unknown = config.get(key);
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const replayEndpoint = name("replay_endpoint");
  const bufferSteps: unknown = config.get("buffer_steps");
  return {
    kvEventsConfig: {
      endpoint: name("endpoint") ?? "tcp://*:5557",
      topic: name("topic") ?? "",
      ...(replayEndpoint === undefined ? {} : { replayEndpoint }),
      ...(typeof bufferSteps === "number" ? { bufferSteps } : {}),
    },
  };
}

function readProtocol(text: string): SimulatorProtocol {
  if (text === "vllm-engine" || text === "vllm-inference") return text;
  throw new SimulatorError("invalid_flag", `--protocol is vllm-engine or vllm-inference, not '${text}'`);
}

const unitFactors: Readonly<Record<string, number>> = {
  k: 1e3,
  m: 1e6,
  g: 1e9,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
};

/** Counts may carry vLLM's units: `1k` is 1000, `1K` is 1024. */
function readNumber(flag: Flag, text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kKmMgG]?)$/.exec(text);
  const value = match === null ? Number.NaN : Number(match[1]) * (unitFactors[match[2] ?? ""] ?? 1);
  const least = flag.least ?? 0;
  const isWhole = flag.kind === "number" || Number.isInteger(value);
  if (isWhole && value >= least) return value;
  const what = flag.kind === "count" ? "a whole number" : "a number";
  throw new SimulatorError("invalid_flag", `--${flag.names[0]} ${text}: needs ${what} of at least ${least}`);
}

function readLevel(text: string): LogLevel {
  if (text === "info" || text === "warn" || text === "error") return text;
  throw new SimulatorError("invalid_flag", `--log-level ${text}: needs info, warn or error`);
}
