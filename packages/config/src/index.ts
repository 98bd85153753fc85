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
