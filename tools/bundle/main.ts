/**
 * Makes the JavaScript that a package publishes: one file an entry, and what entries share, in place of a file a module. A
 * program then starts in half the time. Run in the package's folder, after `tsc -b` has checked it and written its
 * declarations:
 *   node ../../tools/bundle/main.ts [src/main.ts src/threads/request-thread.ts …]
 * Entries are the package's exports and the files named, each under its own base name in `dist`. Other packages stay outside.
 */
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { rolldown } from "rolldown";

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

const folder = process.cwd();
const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
const exported = Object.values(exports).flatMap((target) =>
  typeof target === "string" ? [] : (target["@vllm-router/source"] ?? []),
);
const entries = [...exported, ...process.argv.slice(2)];

for (const stale of globSync("dist/**/*.{js,js.map}", { cwd: folder })) rmSync(join(folder, stale));

/**
 * A script with one letter outside Latin-1 is held with two bytes a character, for as long as the program runs. So letters outside
 * ASCII are written as escapes, which mean the same wherever they can stand but in two places that are refused.
 */
function asciiOnly(code: string): string {
  const misread = /\\[^\0-\x7F]|String\.raw`[^`]*[^`\0-\x7F][^`]*`/u.exec(code);
  if (misread !== null) {
    throw new Error(`${misread[0]}: cannot be written in ASCII; write the letter as an escape`);
  }
  return code.replace(/[^\0-\x7F]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const bundle = await rolldown({
  cwd: folder,
  input: Object.fromEntries(entries.map((entry) => [basename(entry, ".ts"), entry])),
  platform: "node",
  external: (id) => !id.startsWith(".") && !id.startsWith("/"),
  tsconfig: "tsconfig.json",
  onLog: (level, log, handle) => handle(level === "warn" ? "error" : level, log),
});
const { output } = await bundle.write({
  dir: "dist",
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
  sourcemap: true,
  comments: { jsdoc: false },
});
await bundle.close();

for (const { type, fileName } of output) {
  if (type === "chunk") {
    const path = join(folder, "dist", fileName);
    writeFileSync(path, asciiOnly(readFileSync(path, "utf8")));
  }
}

// A thread or program is started by the name of its file, which no import tells anybody.
for (const file of output) {
  const named = file.type === "chunk" ? file.code.matchAll(/"\.\/([\w-]+\.js)"/g) : [];
  for (const [, name = ""] of named) {
    if (!existsSync(join(folder, "dist", name))) {
      throw new Error(`${file.fileName} speaks of ${name}: name its source among the entries of the build`);
    }
  }
}
