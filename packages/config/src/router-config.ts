import { throwIfAny } from "./config-error.ts";
import { describeSettings, type Setting } from "./describe.ts";
import type { Environment } from "./environment.ts";
import type { ReadFile } from "./file.ts";
import { takeOption } from "./program-arguments.ts";
import { resolveConfig, type Resolved } from "./resolve.ts";
import { createRouterSchema, type RouterConfig } from "./router-schema.ts";
import { unimplementedFlags } from "./unimplemented-flags.ts";

/** Prefix of the router's environment variables. */
export const ROUTER_ENVIRONMENT_PREFIX = "VLLM_ROUTER_";

/** What `parseRouterConfig` reads. */
export interface ParseRouterConfigOptions {
  /** Arguments after the program name. */
  readonly argv: readonly string[];
  readonly environment: Environment;
  /** Reads the file named by `--config` or VLLM_ROUTER_CONFIG. */
  readonly readFile: ReadFile;
  /** Names of the routing policies the app knows; cache_aware must be among them. */
  readonly policies: readonly string[];
}

/**
 * Reads the router's configuration: flags before environment before file before defaults.
 * @throws ConfigError whose message names every problem, ready for the terminal
 */
export function parseRouterConfig(options: ParseRouterConfigOptions): Resolved<RouterConfig> {
  const schema = createRouterSchema(options.policies);
  const { value: fileFlag, rest, problems } = takeOption(options.argv, "config");
  throwIfAny(problems);
  const fileVariable = options.environment[`${ROUTER_ENVIRONMENT_PREFIX}CONFIG`];
  return resolveConfig({
    schema,
    settings: describeSettings(schema, ROUTER_ENVIRONMENT_PREFIX),
    unimplemented: unimplementedFlags,
    program: "vllm-router",
    environmentPrefix: ROUTER_ENVIRONMENT_PREFIX,
    argv: rest,
    environment: options.environment,
    file: fileFlag ?? (fileVariable === "" ? undefined : fileVariable),
    readFile: options.readFile,
  });
}

/** Every setting of the router, in the order of help and docs. */
export function routerSettings(policies: readonly string[]): readonly Setting[] {
  return describeSettings(createRouterSchema(policies), ROUTER_ENVIRONMENT_PREFIX);
}

/** A flag the router knows, honoured or not. */
export interface RouterFlag {
  /** Name without dashes. */
  readonly flag: string;
  readonly implemented: boolean;
}

/** Every flag the router knows, aliases included. One that is not implemented stops the start. */
export function routerFlags(): readonly RouterFlag[] {
  const implemented = routerSettings(["cache_aware"]).flatMap((setting) =>
    setting.flag === null ? [] : [setting.flag, ...setting.aliases],
  );
  return [
    ...[...implemented, "config"].map((flag) => ({ flag, implemented: true })),
    ...unimplementedFlags.map(({ flag }) => ({ flag, implemented: false })),
  ];
}
