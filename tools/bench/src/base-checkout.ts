import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { BENCH_FOLDER, WORK_FOLDER } from "./bench-paths.ts";

const repository = join(BENCH_FOLDER, "..", "..");

/** A commit that is checked out and built. */
export interface BaseCheckout {
  readonly folder: string;
  readonly commit: string;
}

/**
 * Checks a commit out beside the bench's other files and builds it; a commit that has been built before is used again.
 *
 * @param revision anything git knows: a branch, a tag, a commit
 * @throws Error when git does not know it, or when it does not build
 */
export function checkOutBase(revision: string): BaseCheckout {
  const commit = git(["rev-parse", "--verify", `${revision}^{commit}`]);
  const folder = join(WORK_FOLDER, "bases", commit.slice(0, 12));
  if (!existsSync(join(folder, "package.json"))) {
    mkdirSync(join(WORK_FOLDER, "bases"), { recursive: true });
    git(["worktree", "prune"]);
    git(["worktree", "add", "--detach", "--force", folder, commit]);
  }
  build(folder);
  return { folder, commit };
}

/** Builds the sources in a folder. @throws Error when they do not build */
export function build(folder: string = repository): void {
  execFileSync(process.execPath, [join(folder, "tools/bootstrap/main.mjs"), "build"], {
    cwd: folder,
    stdio: "inherit",
  });
}

function git(args: readonly string[]): string {
  return execFileSync("git", args, { cwd: repository, encoding: "utf8" }).trim();
}
