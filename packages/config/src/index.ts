export { ConfigError, type ConfigErrorCode, type ConfigProblem } from "./config-error.ts";
export type { Setting, SettingKind } from "./describe.ts";
export type { Environment } from "./environment.ts";
export type { ReadFile } from "./file.ts";
export { readRouterCommand, type RouterCommand } from "./program-arguments.ts";
export type { Origin, Resolved } from "./resolve.ts";
export {
  parseRouterConfig,
  routerFlags,
  routerSettings,
  ROUTER_ENVIRONMENT_PREFIX,
  type ParseRouterConfigOptions,
  type RouterFlag,
} from "./router-config.ts";
export { routerHelp, type RouterHelpOptions } from "./router-help.ts";
export type { RouterConfig } from "./router-schema.ts";
export { explainConfig } from "./explain.ts";
export { routerDocs, routerJsonSchema } from "./router-docs.ts";
export { didYouMean, nearestName } from "./nearest-name.ts";
export { renderHelp, wrap, type HelpEntry, type HelpGroup } from "./help.ts";
export { unimplementedFlags, type UnimplementedFlag } from "./unimplemented-flags.ts";
export type { FlagArity, VllmFlag } from "./vllm-flag.ts";
export { VLLM_FLAGS_VERSION, vllmFlags } from "./vllm-flags.generated.ts";
export { refusedFlagAdvice, vllmFlagOwner, type VllmFlagOwner } from "./vllm-flag-owners.ts";
export {
  splitVllmArguments,
  type FlagOccurrence,
  type OwnFlag,
  type SplitArguments,
} from "./vllm-arguments.ts";
export { readVllmConfigFile } from "./vllm-config-file.ts";
