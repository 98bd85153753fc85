import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The top folder of the repository. */
export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Git-ignored folder for the Node and the pnpm that the bootstrap brings. */
export const toolsFolder = join(root, ".tools");

/** What npm hands down as npm_config_* and a nested npm or pnpm must still see: how to reach the registry, and the user's files. */
const KEPT_NPM_CONFIG =
  /^npm_config_(registry|userconfig|globalconfig|cache|proxy|https_proxy|noproxy|ca|cafile|cert|key|strict_ssl|fetch_.*|\/\/.*|@.*)$/i;

/**
 * The environment for every child process: the brought tools first on PATH, no trace of the `npm` that started us (its
 * npm_* variables change what a nested npm or pnpm does), no telemetry.
 * @param {NodeJS.ProcessEnv} [from] the environment to start from
 * @returns {NodeJS.ProcessEnv} a copy
 */
export function childEnvironment(from = process.env) {
  /** @type {NodeJS.ProcessEnv} */
  const environment = {};
  for (const [name, value] of Object.entries(from)) {
    const isFromNpm = /^npm_/i.test(name) || name === "INIT_CWD";
    if (!isFromNpm || KEPT_NPM_CONFIG.test(name)) environment[name] = value;
  }
  const path = [join(toolsFolder, "node_modules/.bin"), join(root, "node_modules/.bin"), from["PATH"] ?? ""];
  environment["PATH"] = path.join(":");
  environment["TURBO_TELEMETRY_DISABLED"] = "1";
  environment["TURBO_NO_UPDATE_NOTIFIER"] = "1";
  environment["COREPACK_ENABLE_DOWNLOAD_PROMPT"] = "0";
  return environment;
}
