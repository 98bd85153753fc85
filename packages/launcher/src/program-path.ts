import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/**
 * Finds a program as a shell does: a name with a slash is a path, any other is looked for in the folders of PATH.
 * @returns its absolute path, or undefined when there is no such executable file
 */
export function findProgram(name: string, path: string | undefined): string | undefined {
  if (name.includes("/")) return isExecutable(name) ? resolve(name) : undefined;
  for (const folder of (path ?? "").split(delimiter)) {
    const candidate = join(folder === "" ? "." : folder, name);
    if (isExecutable(candidate)) return resolve(candidate);
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
