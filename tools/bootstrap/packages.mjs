import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./environment.mjs";
import { runStep } from "./step.mjs";

const stampFile = join(root, "node_modules/.bootstrap-stamp");

/** Installs the dependencies when the lockfile is not the one they were installed from. */
export async function ensurePackages() {
  const stamp = lockfileStamp();
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return;
  await runStep({
    title: "Installing packages",
    command: "pnpm",
    args: [
      "install",
      "--frozen-lockfile",
      "--prefer-offline",
      "--reporter=append-only",
      "--config.confirmModulesPurge=false",
    ],
  });
  writeFileSync(stampFile, stamp);
}

/** Builds what has changed since the last build. */
export async function buildPackages() {
  await runStep({
    title: "Building",
    command: "turbo",
    args: ["run", "build", "--concurrency=2", "--output-logs=errors-only"],
    quiet: true,
  });
}

function lockfileStamp() {
  const hash = createHash("sha256");
  for (const file of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) hash.update(readFileSync(join(root, file)));
  return `${process.platform}-${process.arch} ${hash.digest("hex")}\n`;
}
