import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../bootstrap/environment.mjs";

const NAMES_THAT_SAY_NOTHING = /(^|\/)(utils?|helpers?|common|types?|misc|shared)(\/|\.[cm]?[jt]s$)/;
const GENERATED_OR_DATA = /(^|\/)(gen|__fixtures__)\//;

/** House rules the linter cannot express: names that say something, `index.ts` only at a package's root, no `export *`. */
export function fileRuleComplaints(files: readonly string[] = sourceFiles()): string[] {
  return files.filter((file) => !GENERATED_OR_DATA.test(file)).flatMap(complaintsAbout);
}

/** Tracked and new (not ignored) TypeScript files of packages, apps and tools. */
function sourceFiles(): string[] {
  const listed = execFileSync(
    "git",
    ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", "*.ts", "*.mjs"],
    { cwd: root, encoding: "utf8" },
  );
  return listed.split("\0").filter((file) => file !== "");
}

function complaintsAbout(file: string): string[] {
  const complaints: string[] = [];
  if (NAMES_THAT_SAY_NOTHING.test(file)) {
    complaints.push(`${file}: the name says nothing; name the file for the one thing it holds`);
  }
  if (/(^|\/)index\.ts$/.test(file) && !/^(packages|apps)\/[^/]+\/src\/index\.ts$/.test(file)) {
    complaints.push(`${file}: index.ts exists only at a package's root (src/index.ts)`);
  }
  if (/^\s*export\s+\*/m.test(contentOf(file))) {
    complaints.push(`${file}: exports are named, never \`export *\``);
  }
  return complaints;
}

/** A file deleted but not yet committed reads as empty. */
function contentOf(file: string): string {
  try {
    return readFileSync(join(root, file), "utf8");
  } catch {
    return "";
  }
}
