import type { z } from "zod";

import { readArguments } from "./arguments.ts";
import { throwIfAny, type ConfigProblem } from "./config-error.ts";
import type { Setting } from "./describe.ts";
import { readEnvironment, type Environment } from "./environment.ts";
import { readConfigFile, type ReadFile } from "./file.ts";
import { didYouMean, nearestName } from "./nearest-name.ts";
import { quoted } from "./read-value.ts";
import type { UnimplementedFlag } from "./unimplemented-flags.ts";

/** Where a value came from. `name` is the flag, the variable or `file: key`; empty for a default. */
export interface Origin {
  readonly source: "flag" | "environment" | "file" | "default";
  readonly name: string;
}

/** What a resolution reads. */
export interface ResolveOptions<TSchema extends z.ZodObject> {
  readonly schema: TSchema;
  readonly settings: readonly Setting[];
  readonly unimplemented: readonly UnimplementedFlag[];
  readonly program: string;
  readonly environmentPrefix: string;
  readonly argv: readonly string[];
  readonly environment: Environment;
  /** Configuration file, if any. */
  readonly file: string | undefined;
  readonly readFile: ReadFile;
}

/** The merged and checked values with their origins. */
export interface Resolved<TConfig> {
  readonly config: TConfig;
  /** By path of the setting, every setting present. */
  readonly origins: Readonly<Record<string, Origin>>;
  /** What was ignored and why. */
  readonly warnings: readonly string[];
}

/**
 * Merges flags, environment, file and defaults, in this order of precedence, and checks the result.
 * @throws ConfigError with every problem found
 */
export function resolveConfig<TSchema extends z.ZodObject>(
  options: ResolveOptions<TSchema>,
): Resolved<z.output<TSchema>> {
  const { schema, settings } = options;
  const flags = readArguments(options.argv, options);
  const environment = readEnvironment(options.environment, settings, options.environmentPrefix);
  const file =
    options.file === undefined ? undefined : readConfigFile(options.file, options.readFile, settings);

  const root: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  for (const setting of settings) {
    const found =
      take(flags.values.get(setting.path), "flag") ??
      take(environment.values.get(setting.path), "environment") ??
      take(file?.values.get(setting.path), "file");
    origins[setting.path] = found?.origin ?? { source: "default", name: "" };
    place(root, setting.path.split("."), settle(setting, found?.value));
  }

  const problems = [...flags.problems, ...environment.problems, ...(file?.problems ?? [])];
  const parsed = schema.safeParse(root, { reportInput: true });
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const problem = problemOf(issue, { settings, origins });
      // A value that could not be read is missing here; it has been reported already.
      const reported = problem.code === "missing_value" && problems.some(isAbout(problem.name));
      if (!reported) problems.push(problem);
    }
  }
  throwIfAny(problems);
  if (!parsed.success) throw new Error("unreachable: every issue is a problem");
  return { config: parsed.data, origins, warnings: environment.warnings };
}

function isAbout(name: string): (problem: ConfigProblem) => boolean {
  return (problem) => problem.name.replaceAll("_", "-") === name;
}

function take(
  found: { readonly value: unknown; readonly name: string } | undefined,
  source: Origin["source"],
): { readonly value: unknown; readonly origin: Origin } | undefined {
  if (found === undefined) return undefined;
  return { value: found.value, origin: { source, name: found.name } };
}

/** Choices are taken in any case, and synonyms stand for what they mean. */
function settle(setting: Setting, value: unknown): unknown {
  if (setting.kind !== "choice" || typeof value !== "string") return value;
  const lower = value.toLowerCase();
  return setting.synonyms[lower] ?? (setting.choices.includes(lower) ? lower : value);
}

function place(root: Record<string, unknown>, keys: readonly string[], value: unknown): void {
  const [key = "", ...rest] = keys;
  if (rest.length === 0) {
    if (value !== undefined) root[key] = value;
    return;
  }
  const child = (root[key] ??= {});
  place(child as Record<string, unknown>, rest, value);
}

function problemOf(
  issue: z.core.$ZodIssue,
  context: {
    readonly settings: readonly Setting[];
    readonly origins: Readonly<Record<string, Origin>>;
  },
): ConfigProblem {
  const path = issue.path.map(String);
  const setting = context.settings.find((candidate) => {
    const keys = candidate.path.split(".");
    return keys.every((key, index) => path[index] === key);
  });
  if (setting === undefined) {
    const name = path.join(".");
    return { code: "invalid_value", name, message: `${name}: ${issue.message}` };
  }
  const origin = context.origins[setting.path];
  const ownName = setting.flag === null ? setting.path : `--${setting.flag}`;
  if (origin?.source === "default" && setting.required) {
    const variable = setting.environment[0] ?? "";
    const message = `${ownName} is required (or ${variable}, or ${setting.path} in the file)`;
    return { code: "missing_value", name: ownName, message };
  }
  const name = origin === undefined || origin.name === "" ? ownName : origin.name;
  return { code: "invalid_value", name, message: `${name}: ${explain(issue, setting)}` };
}

/** The reason in the words of the settings. */
function explain(issue: z.core.$ZodIssue, setting: Setting): string {
  const value = "input" in issue && issue.input !== undefined ? `, got ${quoted(issue.input)}` : "";
  switch (issue.code) {
    case "invalid_value": {
      const nearest = typeof issue.input === "string" ? nearestName(issue.input, setting.choices) : undefined;
      return `expected one of ${setting.choices.join(", ")}${value}${didYouMean(nearest)}`;
    }
    case "too_small":
      if (issue.origin === "array") return issue.message;
      if (issue.origin === "string") return "must not be empty";
      return `must be ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${value}`;
    case "too_big":
      return `must be ${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}${value}`;
    case "invalid_type":
      return `expected ${issue.expected === "int" ? "a whole number" : issue.expected}${value}`;
    case "custom":
    case "invalid_format":
      return typeof issue.input === "string" ? `${quoted(issue.input)} ${issue.message}` : issue.message;
    default:
      return issue.message;
  }
}
