import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../bootstrap/environment.mjs";
import { runCommand } from "./step.ts";

/** Something committed that a script writes. */
interface Generator {
  /** Folder whose package.json has the script. */
  folder: string;
  script: string;
  /** Files or folders it writes, from the top of the repository. */
  outputs: readonly string[];
}

/** Every generator whose output is committed. `pnpm generate` runs them for good; here the tree is put back as it was. */
const GENERATORS: readonly Generator[] = [
  { folder: "packages/proto", script: "generate", outputs: ["packages/proto/src/gen"] },
  { folder: "packages/simulator", script: "generate", outputs: ["packages/simulator/assets"] },
  {
    folder: "tools",
    script: "generate",
    outputs: ["docs/configuration.md", "docs/routing.md", "docs/compatibility.md"],
  },
];

/** Runs each generator, names each committed file that would change, and restores the files. */
export async function generatedComplaints(): Promise<string[]> {
  const complaints: string[] = [];
  for (const generator of GENERATORS) complaints.push(...(await check(generator)));
  return complaints;
}

async function check({ folder, script, outputs }: Generator): Promise<string[]> {
  const before = readAll(outputs);
  const { code, output } = await runCommand("pnpm", ["run", script], { folder });
  const after = readAll(outputs);
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (file) => !sameContent(before.get(file), after.get(file)),
  );
  for (const file of changed) restore(file, before.get(file));
  if (code !== 0) return [`${folder}: \`pnpm run ${script}\` failed\n${output}`];
  return changed.map(
    (file) => `${file}: not what \`pnpm run ${script}\` in ${folder} writes; run it and commit`,
  );
}

function sameContent(left: Buffer | undefined, right: Buffer | undefined): boolean {
  return left !== undefined && right !== undefined && left.equals(right);
}

function restore(file: string, content: Buffer | undefined): void {
  if (content === undefined) rmSync(join(root, file));
  else writeFileSync(join(root, file), content);
}

function readAll(paths: readonly string[]): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const path of paths) {
    const absolute = join(root, path);
    if (!existsSync(absolute)) continue;
    const isFolder = statSync(absolute).isDirectory();
    const names = isFolder ? readdirSync(absolute, { recursive: true, encoding: "utf8" }) : [""];
    for (const name of names) {
      const file = name === "" ? path : `${path}/${name}`;
      if (statSync(join(root, file)).isFile()) files.set(file, readFileSync(join(root, file)));
    }
  }
  return files;
}
