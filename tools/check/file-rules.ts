import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../bootstrap/environment.mjs";

const NAMES_THAT_SAY_NOTHING = /(^|\/)(utils?|helpers?|common|types?|misc|shared)(\/|\.[cm]?[jt]s$)/;
const GENERATED_OR_DATA = /(^|\/)(gen|__fixtures__)\//;

/** House rules the linter cannot express: names that say something, `index.ts` only at a package's root, no `export *`. */
export function fileRuleComplaints(files: readonly string[] = sourceFiles()): string[] {
  return files.filter((file) => !GENERATED_OR_DATA.test(file)).flatMap(complaintsAbout);
}

/** TypeScript and JavaScript files of packages, apps and tools. */
function sourceFiles(): string[] {
  return globSync("{packages,apps,tools}/**/*.{ts,mjs}", {
    cwd: root,
    exclude: ["**/node_modules/**", "**/dist/**"],
  });
}

function complaintsAbout(file: string): string[] {
  const complaints: string[] = [];
  if (NAMES_THAT_SAY_NOTHING.test(file)) {
    complaints.push(`${file}: the name says nothing; name the file for the one thing it holds`);
  }
  if (/(^|\/)index\.ts$/.test(file) && !/^(packages|apps)\/[^/]+\/src\/index\.ts$/.test(file)) {
    complaints.push(`${file}: index.ts exists only at a package's root (src/index.ts)`);
  }
  const path = join(root, file);
  if (existsSync(path) && /^\s*export\s+\*/m.test(readFileSync(path, "utf8"))) {
    complaints.push(`${file}: exports are named, never \`export *\``);
  }
  return complaints;
}
