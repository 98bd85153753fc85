// From a bare clone to built programs, with nothing but Node 20 and npm:
//   node tools/bootstrap/main.mjs install    brings Node and pnpm when they are missing, installs the packages
//   node tools/bootstrap/main.mjs build      the same, then builds
// Plain JavaScript, because it runs on the machine's own Node. A second run does only what has changed.
import { ensureToolchain } from "./toolchain.mjs";
import { buildPackages, ensurePackages } from "./packages.mjs";
import { BootstrapError } from "./step.mjs";

const command = process.argv[2];

try {
  if (command !== "install" && command !== "build") {
    throw new BootstrapError("Say `install` or `build`.");
  }
  await ensureToolchain();
  await ensurePackages();
  if (command === "build") await buildPackages();
} catch (error) {
  if (!(error instanceof BootstrapError)) throw error;
  process.stderr.write(`[setup] ${error.message}\n`);
  process.exit(1);
}
