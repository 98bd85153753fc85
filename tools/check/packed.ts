import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { filterProblems } from "@arethetypeswrong/core/problems";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { runCommand } from "./step.ts";

/** Packs every package and app as it would be published, and reads the archives with publint and attw. */
export async function packedComplaints(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "vllm-router-packed-"));
  try {
    const { code, output } = await runCommand("pnpm", [
      "-r",
      "--filter=./packages/*",
      "--filter=./apps/*",
      "pack",
      `--pack-destination=${folder}`,
    ]);
    if (code !== 0) return [`pnpm pack failed\n${output}`];
    const archives = readdirSync(folder).sort();
    const complaints: string[] = [];
    for (const archive of archives)
      complaints.push(...(await inspect(archive, readFileSync(join(folder, archive)))));
    return complaints;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function inspect(archive: string, content: Buffer): Promise<string[]> {
  const bytes = new Uint8Array(content);
  const { messages, pkg } = await publint({
    pack: { tarball: bytes.buffer },
    level: "warning",
    strict: true,
  });
  const complaints = messages.map(
    (message) => `${archive}: ${formatMessage(message, pkg, { color: false }) ?? message.code}`,
  );
  const analysis = await checkPackage(createPackageFromTarballData(bytes));
  // A package without types is a program only. We publish ES modules only, so the CommonJS resolutions do not count.
  if (analysis.types === false) return complaints;
  const problems = (["node16-esm", "bundler"] as const).flatMap((resolutionKind) =>
    filterProblems(analysis, { resolutionKind }),
  );
  return [
    ...complaints,
    ...new Set(problems.map((problem) => `${archive}: types: ${JSON.stringify(problem)}`)),
  ];
}
