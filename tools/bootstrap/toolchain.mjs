import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root, toolsFolder } from "./environment.mjs";
import { run, runStep } from "./step.mjs";

/** Node that loads .ts files without a flag. */
const OLDEST_NODE = { major: 22, minor: 18 };

/** Platforms whose Node comes as one plain package; elsewhere the package `node` picks it with an install script. */
const PLAIN_NODE_PLATFORMS = ["linux-x64", "linux-arm64"];

/** Brings Node and pnpm into .tools/ when the machine lacks them; does nothing otherwise. */
export async function ensureToolchain() {
  /** @type {string[]} */
  const missing = [];
  if (!isNewEnough(process.versions.node)) {
    const { name, version } = wantedNode();
    if (broughtVersion(name) !== version) missing.push(`${name}@${version}`);
  }
  const pnpm = wantedPnpmVersion();
  if (broughtVersion("pnpm") !== pnpm && !(await machineHasPnpm(pnpm))) missing.push(`pnpm@${pnpm}`);
  if (missing.length === 0) return;
  // npm removes what a command line does not name, so both are always named together.
  const kept = ["pnpm", wantedNode().name].flatMap((name) => {
    const version = broughtVersion(name);
    return version === undefined || missing.some((spec) => spec.startsWith(`${name}@`))
      ? []
      : [`${name}@${version}`];
  });
  await runStep({
    title: `Bringing ${missing.join(" and ")} into .tools/`,
    command: "npm",
    args: ["install", "--prefix", toolsFolder, "--no-save", "--no-audit", "--no-fund", ...missing, ...kept],
  });
}

/** @param {string} version */
function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > OLDEST_NODE.major || (major === OLDEST_NODE.major && minor >= OLDEST_NODE.minor);
}

function wantedNode() {
  const version = readFileSync(join(root, ".node-version"), "utf8").trim();
  const platform = `${process.platform}-${process.arch}`;
  return { name: PLAIN_NODE_PLATFORMS.includes(platform) ? `node-${platform}` : "node", version };
}

/** @returns {string} the exact version that package.json's packageManager names */
function wantedPnpmVersion() {
  /** @type {{ packageManager: string }} */
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return manifest.packageManager.replace(/^pnpm@/, "").replace(/\+.*$/, "");
}

/**
 * @param {string} name
 * @returns {string | undefined} the version in .tools/
 */
function broughtVersion(name) {
  const file = join(toolsFolder, "node_modules", name, "package.json");
  if (!existsSync(file)) return undefined;
  /** @type {{ version: string }} */
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  return manifest.version;
}

/** @param {string} wanted any pnpm of the same major release will do */
async function machineHasPnpm(wanted) {
  const { code, output } = await run("pnpm", ["--version"]);
  return code === 0 && output.trim().split(".")[0] === wanted.split(".")[0];
}
