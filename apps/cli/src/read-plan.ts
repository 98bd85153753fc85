import {
  didYouMean,
  nearestName,
  readVllmConfigFile,
  refusedFlagAdvice,
  splitVllmArguments,
  unimplementedFlags,
  vllmFlags,
  type FlagOccurrence,
  type ReadFile,
} from "@vllm-router/config";

import { CliError } from "./cli-error.ts";
import { forwardedSettings, ownFlags } from "./own-flags.ts";
import { engineNames, type EngineName, type EnginePlan, type Plan } from "./plan.ts";

/** What reading a command line needs from outside. */
export interface ReadPlanContext {
  /** Reads the file of `--config`. */
  readonly readFile: ReadFile;
}

/** vLLM's own multi-node flags: with one of them `--headless` keeps vLLM's meaning. */
const distributedFlags = [
  "data-parallel-address",
  "data-parallel-rpc-port",
  "data-parallel-start-rank",
  "nnodes",
];

/**
 * Reads a command line of `vllm-serve`.
 * @throws CliError invalid_flag, not_implemented; ConfigError for a bad `--config` file
 */
export function readPlan(argv: readonly string[], context: ReadPlanContext): Plan {
  if (argv.includes("--help") || argv.includes("-h")) return { kind: "help" };
  if (argv.includes("--version") || argv.includes("-V")) return { kind: "version" };
  const given = splitVllmArguments(argv, ownFlags());
  const isLocal = isOn(given.flags, "enable-router-as-api-server") || isOn(given.flags, "demo");
  const isHeadless = isOn(given.flags, "headless");
  const isDistributed = given.flags.some(({ name }) => distributedFlags.includes(name));

  if (isLocal && isHeadless) {
    throw invalid("--enable-router-as-api-server and --headless exclude each other");
  }
  if (!isLocal && (!isHeadless || isDistributed)) {
    const own = given.flags.find((flag) => flag.known === "own" || isForwarded(flag));
    if (own !== undefined) throw invalid(`${own.written} needs --enable-router-as-api-server`);
    return { kind: "unchanged", argv };
  }
  const full = expandConfigFile(argv, given.flags, context.readFile);
  return isLocal ? localPlan(full) : headlessPlan(full);
}

type Split = ReturnType<typeof splitVllmArguments>;

/** Arguments of the file come first: those of the command line win. */
function expandConfigFile(
  argv: readonly string[],
  flags: readonly FlagOccurrence[],
  readFile: ReadFile,
): Split {
  const file = lastValue(flags, "config");
  const before = file === undefined ? [] : readVllmConfigFile(file, readFile);
  const split = splitVllmArguments(argv, ownFlags());
  const fromFile = splitVllmArguments(before, ownFlags());
  return {
    flags: [...fromFile.flags, ...split.flags].filter((flag) => flag.name !== "config"),
    positionals: split.positionals.length > 0 ? split.positionals : fromFile.positionals,
  };
}

function localPlan(given: Split): Plan {
  refuseUnusable(given.flags, "localhost");
  const isDemo = isOn(given.flags, "demo");
  const enginePort = lastValue(given.flags, "engine-port");
  const count = lastValue(given.flags, "engine-count") ?? (isDemo ? "2" : "1");
  return {
    kind: "local",
    isDemo,
    ...enginePlan(given, isDemo ? "simulator" : "auto"),
    engineCount: wholeNumber("--engine-count", count, [1, 64]),
    enginePort: enginePort === undefined ? undefined : readPort("--engine-port", enginePort),
    host: lastValue(given.flags, "host") ?? (isDemo ? "127.0.0.1" : "0.0.0.0"),
    port: readPort("--port", lastValue(given.flags, "port") ?? "8000"),
    frontendFlags: given.flags.filter(
      (flag) => flag.known === "vllm" && acceptedFlags().has(flag.name) && isFrontend(flag),
    ),
    routerArguments: given.flags
      .filter((flag) => flag.name.startsWith("router-"))
      .flatMap((flag) => rewritten(flag, flag.name.slice("router-".length))),
  };
}

function headlessPlan(given: Split): Plan {
  refuseUnusable(given.flags, "headless");
  return {
    kind: "headless",
    ...enginePlan(given, "auto"),
    host: lastValue(given.flags, "host") ?? "0.0.0.0",
    port: readPort("--port", lastValue(given.flags, "port") ?? "50051"),
  };
}

function enginePlan(given: Split, engine: EngineName | "auto"): EnginePlan {
  const [model, ...more] = given.positionals;
  if (more.length > 0) throw invalid(`unexpected argument '${more.join(" ")}' after ${model}`);
  const asked = lastValue(given.flags, "engine");
  return {
    engine: asked === undefined ? engine : readEngineName(asked),
    model: model ?? lastValue(given.flags, "model"),
    flags: given.flags.filter(
      (flag) =>
        (flag.owner === "engine" || flag.owner === "both") &&
        flag.known !== "own" &&
        !isForwarded(flag) &&
        // The router alone can choose by the model.
        !(flag.name === "reasoning-parser" && lastValue([flag], flag.name) === "auto"),
    ),
    simulatorArguments: given.flags
      .filter((flag) => flag.name.startsWith("simulator-"))
      .flatMap((flag) => rewritten(flag, flag.name.slice("simulator-".length))),
  };
}

/** Stops for the first flag that nobody would honour. */
function refuseUnusable(flags: readonly FlagOccurrence[], mode: "localhost" | "headless"): void {
  const accepted = acceptedFlags();
  for (const flag of flags) {
    if (flag.name.startsWith("router-")) refuseRouterFlag(flag, accepted, mode);
    else if (flag.known === "own" && mode === "headless" && flag.name !== "engine") {
      throw invalid(`${flag.written} has no meaning with --headless`);
    } else if (flag.name === "grpc-port") {
      throw invalid(`${flag.written} has no meaning here; choose the engine's port with --engine-port`);
    } else if (flag.owner === "refused") {
      const advice = refusedFlagAdvice(flag.name);
      throw new CliError("not_implemented", `${flag.written} has no meaning with the router; ${advice}`);
    } else if (flag.owner === "router" && mode === "headless") {
      throw invalid(
        `${flag.written} belongs to the HTTP front end, which --headless does not start; give it to vllm-router`,
      );
    } else if (mode === "localhost" && isFrontend(flag)) {
      if (!accepted.has(flag.name) && !isSwitchedOff(flag)) throw notImplemented(flag, flag.name);
    }
  }
}

/** Names of the router's settings that can be given here. */
function acceptedFlags(): ReadonlySet<string> {
  return new Set(forwardedSettings().flatMap(({ flag, aliases }) => [flag, ...aliases]));
}

function isFrontend(flag: FlagOccurrence): boolean {
  return flag.owner === "router" || flag.owner === "both";
}

function refuseRouterFlag(
  flag: FlagOccurrence,
  accepted: ReadonlySet<string>,
  mode: "localhost" | "headless",
): void {
  if (mode === "headless") throw invalid(`${flag.written} has no meaning with --headless`);
  if (flag.known === "own") return;
  const name = flag.name.slice("router-".length);
  if (["host", "port"].includes(name)) throw invalid(`${flag.written}: use --${name}`);
  if (name === "worker-urls") {
    throw invalid(`${flag.written}: vllm-serve starts the workers itself; use vllm-router for others`);
  }
  if (unimplementedFlags.some((entry) => entry.flag === name)) throw notImplemented(flag, name);
  const nearest = nearestName(name, accepted);
  const hint = didYouMean(nearest === undefined ? undefined : `--router-${nearest}`);
  throw invalid(`unknown flag ${flag.written}${hint}`);
}

function notImplemented(flag: FlagOccurrence, name: string): CliError {
  const advice = unimplementedFlags.find((entry) => entry.flag === name)?.instead ?? "leave it out";
  return new CliError(
    "not_implemented",
    `${flag.written} is not implemented in this version of vllm-router; ${advice}`,
  );
}

/** `--no-x` of what is off by default says nothing new. */
function isSwitchedOff(flag: FlagOccurrence): boolean {
  return flag.negated && !vllmFlags.some((entry) => entry.name === flag.name && entry.on);
}

function isForwarded(flag: FlagOccurrence): boolean {
  return flag.name.startsWith("router-") || flag.name.startsWith("simulator-");
}

/** The arguments of a flag under another name. */
export function rewritten(flag: FlagOccurrence, name: string): readonly string[] {
  const written = `--${flag.negated ? "no-" : ""}${name}${flag.keys}`;
  const [value, ...more] = flag.values;
  // A value that looks like a flag must stay attached to its flag.
  if (value?.startsWith("-") === true) return [`${written}=${value}`, ...more];
  return [written, ...flag.values];
}

function isOn(flags: readonly FlagOccurrence[], name: string): boolean {
  const last = flags.findLast((flag) => flag.name === name);
  return last !== undefined && !last.negated && last.values[0] !== "false";
}

function lastValue(flags: readonly FlagOccurrence[], name: string): string | undefined {
  const flag = flags.findLast((candidate) => candidate.name === name);
  if (flag === undefined) return undefined;
  const [value] = flag.values;
  if (value === undefined) throw invalid(`${flag.written} needs a value`);
  return value;
}

function readEngineName(text: string): EngineName | "auto" {
  const known = ["auto", ...engineNames] as const;
  const found = known.find((name) => name === text);
  if (found !== undefined) return found;
  throw invalid(`--engine: expected one of ${known.join(", ")}, got '${text}'`);
}

function readPort(flag: string, text: string): number {
  return wholeNumber(flag, text, [1, 65_535]);
}

function wholeNumber(flag: string, text: string, range: readonly [number, number]): number {
  const [least, most] = range;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw invalid(`${flag}: expected a whole number from ${least} to ${most}, got '${text}'`);
}

function invalid(message: string): CliError {
  return new CliError("invalid_flag", message);
}
